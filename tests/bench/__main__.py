"""Whole-process time and memory of the commands, on full-size simulated scores.

    make bench                              # on EPIC's annotations if EK100_ANNOTATIONS names them
    python -m tests.bench --runs 9

The commands run in turns, so that a slow spell of the machine falls on all of them.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from ek100mqa.demo import write_kitchen
from ek100mqa.schema import Split
from tests.bench.simulate import simulate

Command = Sequence[str]
START = "python -c pass"
IMPORTS = "import numpy, pyarrow.csv, pyarrow.parquet"


def measure(command: Command, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds and peak megabytes of a process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"failed: {' '.join(command)}")
    return seconds, usage.ru_maxrss / 1024


def commands(work: Path, annotations: Path) -> dict[str, Command]:
    """Name -> command line."""
    tool = [sys.executable, "-m", "ek100mqa"]
    build = [*tool, "build", "--annotations", str(annotations), "--force", "--out", str(work / "b")]
    scores = [*tool, "scores", "import", "--annotations", str(annotations)]
    return {
        START: [sys.executable, "-c", "pass"],
        IMPORTS: [sys.executable, "-c", IMPORTS],
        "ek100mqa --help": [*tool, "--help"],
        "scores import (AVION pickle, validation)": [
            *(*scores, str(work / "avion_validation.pkl"), "--model", "avion")
        ],
        "build --distractor avion --k 5": [*build, "--distractor", "avion", "--k", "5"],
        "build --distractor avion --k 5 --split train": [
            *(*build, "--distractor", "avion", "--k", "5", "--split", "train")
        ],
        "build --distractor random --k 5": [*build, "--distractor", "random", "--k", "5"],
        "verify": [*tool, "verify", str(work / "b")],
    }


def simulate_apart(folder: Path, split: Split, path: Path) -> None:
    """In a process of its own: a child's peak memory counts that of its parent."""
    process = multiprocessing.get_context("spawn").Process(
        target=simulate, args=(folder, split, path)
    )
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{path}: not made")


@click.command()
@click.option("--runs", default=5, show_default=True)
@click.option("--work", type=click.Path(path_type=Path), default=Path(".bench"), show_default=True)
def main(runs: int, work: Path) -> None:
    """Print a table of whole-process medians."""
    work.mkdir(exist_ok=True)
    chosen = os.environ.get("EK100_ANNOTATIONS")
    if not chosen:
        click.echo("EK100_ANNOTATIONS is not set: measuring on the toy kitchen, which is tiny")
        write_kitchen(work)
    folder = Path(chosen) if chosen else work / "annotations"
    environment = {**os.environ, "EK100_CACHE": str(work.absolute() / "cache")}
    table = commands(work, folder)
    splits: tuple[Split, Split] = ("validation", "train")
    for split in splits:
        path = work / f"avion_{split}.pkl"
        simulate_apart(folder, split, path)
        click.echo(f"{path.name}: {path.stat().st_size / 1e6:.0f} MB, simulated")
    scores = [*table["scores import (AVION pickle, validation)"][:-3], str(work / path.name)]
    measure([*scores, "--model", "avion", "--split", "train"], environment)
    path.unlink()
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in table}
    for _ in range(runs):
        for name, command in table.items():
            measured[name].append(measure(command, environment))
    base = statistics.median(seconds for seconds, _ in measured[IMPORTS])
    click.echo(f"\n{os.cpu_count()} cores; {runs} runs in turns; ratio of medians to `{IMPORTS}`")
    click.echo("| command | median s | best s | worst s | ratio | peak MB |")
    click.echo("|---|---|---|---|---|---|")
    for name, values in measured.items():
        times = [value[0] for value in values]
        median, peak = statistics.median(times), max(value[1] for value in values)
        cells = (f"{median:.2f}", f"{min(times):.2f}", f"{max(times):.2f}", f"{median / base:.1f}")
        click.echo(f"| `{name}` | {' | '.join(cells)} | {peak:.0f} |")


if __name__ == "__main__":
    main()
