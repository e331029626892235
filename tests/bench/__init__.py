"""The project's own benchmark: `make bench` prints the figures of docs/benchmarks.md."""
