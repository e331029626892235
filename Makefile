# Everything a person does with this project. `make help` lists it.
PYTHON ?= python3
VENV ?= .venv
EXTRAS ?= all,dev
BIN := $(VENV)/bin
PACKAGES := ek100mqa distractors evaluators leaderboard

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench clean

help:  ## List the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

$(BIN)/ek100mqa: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[video]'
	@touch $@

$(VENV)/.extras-$(EXTRAS): setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@ $(BIN)/ek100mqa

demo: $(BIN)/ek100mqa  ## Set up, build the toy kitchen's benchmark, show three questions
	$(BIN)/ek100mqa demo

test: $(VENV)/.extras-$(EXTRAS)  ## Set up with everything (7 GB; EXTRAS=dev for the core), run all tests
	$(BIN)/python -m pytest -n auto

lint: $(VENV)/.extras-$(EXTRAS)  ## ruff and mypy
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy $(PACKAGES) tests

bench: $(VENV)/.extras-$(EXTRAS)  ## The figures of docs/benchmarks.md
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench.clips

clean:  ## Remove the environment and what was built
	rm -rf $(VENV) toy-kitchen .bench build *.egg-info .mypy_cache .ruff_cache .hypothesis
