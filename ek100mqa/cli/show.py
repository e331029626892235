"""`ek100mqa show`"""

from __future__ import annotations

from pathlib import Path

import click

from ek100mqa.cli.options import benchmark_argument


@click.command("show")
@benchmark_argument
@click.argument("question_id", required=False)
@click.option("--sample", type=click.IntRange(1), help="So many questions at random.")
@click.option("--seed", default=0, show_default=True, help="Of the sample.")
@click.option("--config", help="Only this config. [default: all]")
@click.option("--split", type=click.Choice(["validation", "train"]), help="Only this split.")
@click.option("--answer", is_flag=True, help="Mark the truth.")
def command(
    folder: Path,
    question_id: str | None,
    sample: int | None,
    seed: int,
    config: str | None,
    split: str | None,
    answer: bool,
) -> None:
    """Show questions, readable; the truth only with --answer.

    \b
    ek100mqa show ek100-mqa P01_11_0
    ek100mqa show ek100-mqa --sample 5 --answer
    """
    from ek100mqa import benchmark
    from ek100mqa.cli.report import question_lines
    from ek100mqa.errors import Ek100Error
    from ek100mqa.seeds import shuffled

    if (question_id is None) == (sample is None):
        raise click.UsageError("name one QUESTION_ID, or --sample N")
    entries = benchmark.matching(folder, config, split)
    found = [
        (entry, question)
        for entry in entries
        for question in benchmark.questions(folder, entry)
        if question_id in (None, question.question_id)
    ]
    if not found:
        raise Ek100Error(
            f"{folder}: no question {question_id!r} in "
            + ", ".join(f"{entry.recipe.config} ({entry.recipe.split})" for entry in entries)
        )
    if sample is not None:
        found = shuffled(found, seed, "show", "sample")[:sample]
    for number, (entry, question) in enumerate(found):
        if number:
            click.echo()
        for line in question_lines(entry, question, answer):
            click.echo(line)
