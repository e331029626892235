"""`ek100mqa verify`"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from ek100mqa.cli.options import annotations_option, benchmark_argument

if TYPE_CHECKING:
    from ek100mqa.schema import Problem


@click.command("verify")
@benchmark_argument
@click.option(
    "--rebuild",
    is_flag=True,
    help="Also build every question again from annotations and scores, and compare.",
)
@click.option("--config", help="Rebuild only this config. [default: all]")
@click.option("--split", type=click.Choice(["validation", "train"]), help="Only this split.")
@annotations_option
@click.option(
    "--scores",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Score file for --rebuild. [default: the imported one]",
)
def command(
    folder: Path,
    rebuild: bool,
    config: str | None,
    split: str | None,
    annotations: Path | None,
    scores: Path | None,
) -> None:
    """Check a benchmark folder or a frame store; exit 1 on any problem.

    Re-hashes and re-reads every file; checks manifest, card, columns, the fingerprint and the
    rules of every question. With --rebuild also that its recipe gives these very questions.
    """
    from ek100mqa import benchmark
    from ek100mqa.verify import verify
    from ek100mqa.video import store

    if (folder / store.NAME).exists():
        _verify_store(folder)
    problems = verify(folder)
    entries = benchmark.matching(folder)
    again = benchmark.matching(folder, config, split) if rebuild else []
    ranked = {entry.recipe.distractor for entry in again} - {"random"}
    if scores is not None and len(ranked) > 1:
        raise click.UsageError(f"--scores: of {', '.join(sorted(ranked))}? name one with --config")
    if again and not problems:
        from ek100mqa.cli.inputs import gather, load_annotations
        from ek100mqa.verify import compare_rebuilt

        loaded = load_annotations(annotations)
        for entry in again:
            file = None if entry.recipe.distractor == "random" else scores
            inputs = gather(entry.recipe, loaded, file)
            problems += compare_rebuilt(
                entry, benchmark.questions(folder, entry), inputs.files, loaded, inputs.distractors
            )
    _echo(problems)
    rows = sum(entry.rows for entry in entries)
    checked = f"{len(entries)} config(s) and split(s), {rows:,} questions"
    if again:
        checked += f", {len(again)} built again and the same"
    verdict = f"{len(problems):,} problem(s)" if problems else f"good; {checked}"
    click.echo(f"{folder}: {verdict}")
    sys.exit(1 if problems else 0)


def _echo(problems: Sequence[Problem], shown: int = 50) -> None:
    for problem in problems[:shown]:
        click.echo(f"{problem.where}: {problem.message}")
    if len(problems) > shown:
        click.echo(f"… and {len(problems) - shown:,} more")


def _verify_store(folder: Path) -> NoReturn:
    from ek100mqa.video.store import read_settings, verify_store

    problems = verify_store(folder)
    _echo(problems)
    settings = read_settings(folder)
    checked = f"{settings.questions:,} clips of {settings.frames} frames, {settings.config}"
    verdict = f"{len(problems):,} problem(s)" if problems else f"good; {checked}"
    click.echo(f"{folder}: {verdict}")
    sys.exit(1 if problems else 0)
