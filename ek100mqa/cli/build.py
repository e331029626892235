"""`ek100mqa build`"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ek100mqa.cli.options import annotations_option, split_option
from ek100mqa.cli.progress import bar


@click.command("build")
@click.option(
    "--distractor",
    required=True,
    help="Where wrong options come from: random, tim, avion, or any imported recogniser.",
)
@click.option(
    "--k", default=5, show_default=True, type=click.IntRange(2, 26), help="Options a question."
)
@click.option(
    "--text",
    type=click.Choice(["narration", "official-key"]),
    default="narration",
    show_default=True,
    help="How options are written: annotators' words, or EPIC's verb and noun keys.",
)
@click.option(
    "--truth",
    type=click.Choice(["included", "as-ranked"]),
    default="included",
    show_default=True,
    help="Put the truth in (the paper's benchmark), or keep the recogniser's list as it is "
    "(its EK-100 track).",
)
@split_option
@annotations_option
@click.option(
    "--scores",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A score file, cached or as it comes. [default: the imported one]",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Any number.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("ek100-mqa"),
    show_default=True,
    help="Benchmark folder; other configs in it stay.",
)
@click.option("--limit", type=click.IntRange(1), help="At most so many questions.")
@click.option("--participants", help="Only these, e.g. P01,P02.")
@click.option(
    "--exclude-concurrent",
    is_flag=True,
    help="No distractor that is annotated over half of the clip or more.",
)
@click.option("--rows-per-shard", default=100_000, show_default=True, type=click.IntRange(1))
@click.option("--force", is_flag=True, help="Replace the config where it is already there.")
def command(
    distractor: str,
    k: int,
    text: Any,
    truth: Any,
    split: Any,
    annotations: Path | None,
    scores: Path | None,
    seed: int,
    out: Path,
    limit: int | None,
    participants: str | None,
    exclude_concurrent: bool,
    rows_per_shard: int,
    force: bool,
) -> None:
    """Build a config of the benchmark.

    The same inputs, seed and options give the same questions on every machine.

    \b
    ek100mqa build --distractor tim --k 5
    ek100mqa build --distractor random --k 5 --text official-key --seed 7 --out my-bench
    ek100mqa build --distractor tim --k 20 --truth as-ranked
    """
    import gc

    from ek100mqa.benchmark import add, prepare
    from ek100mqa.build import build
    from ek100mqa.cli.inputs import gather, load_annotations
    from ek100mqa.cli.report import built_lines
    from ek100mqa.schema import Recipe

    recipe = Recipe(
        distractor=distractor,
        k=k,
        text=text,
        truth=truth,
        split=split,
        seed=seed,
        participants=_participants(participants),
        limit=limit,
        exclude_concurrent=exclude_concurrent,
    )
    gc.disable()  # hundreds of thousands of records without a cycle: walking them takes a third
    if distractor == "random" and scores is not None:
        raise click.UsageError("--scores: random distractors take none; leave it out")
    prepare(out, recipe, force)
    inputs = gather(recipe, load_annotations(annotations), scores)
    with bar("building") as progress:
        built = build(inputs.annotations, recipe, inputs.distractors, progress)
    entry = add(out, recipe, built, inputs.files, rows_per_shard, force)
    for line in built_lines(out, entry):
        click.echo(line)


def _participants(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = tuple(sorted({name.strip() for name in text.split(",") if name.strip()}))
    if not names:
        raise click.BadParameter("expected ids such as P01,P02", param_hint="--participants")
    return names
