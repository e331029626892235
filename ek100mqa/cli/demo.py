"""`ek100mqa demo`"""

from __future__ import annotations

from pathlib import Path

import click


@click.command("demo")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("toy-kitchen"),
    show_default=True,
    help="Folder for the toy kitchen and its benchmark.",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
def command(out: Path, seed: int) -> None:
    """Build the toy kitchen's benchmark and show three questions.

    The toy kitchen is made up: annotations in EPIC's columns and two recognisers' scores, from
    the seed. Nothing is downloaded.
    """
    from ek100mqa import benchmark
    from ek100mqa.annotations import read_annotations
    from ek100mqa.build import build
    from ek100mqa.cli.inputs import gather
    from ek100mqa.cli.report import built_lines, question_lines
    from ek100mqa.demo import write_kitchen
    from ek100mqa.schema import Recipe
    from ek100mqa.seeds import shuffled

    click.echo(f"The toy kitchen (made up, seed {seed}) -> {out}")
    write_kitchen(out, seed)
    kitchen = read_annotations(out / "annotations")
    folder = out / "benchmark"
    for model in ("tim", "avion", "random"):
        recipe = Recipe(distractor=model)
        scores = None if model == "random" else out / "scores" / f"{model}_validation.pkl"
        inputs = gather(recipe, kitchen, scores)
        built = build(kitchen, recipe, inputs.distractors)
        entry = benchmark.add(folder, recipe, built, inputs.files, 100_000, force=True)
        for line in built_lines(folder, entry):
            click.echo(line)
    entry = benchmark.matching(folder, "tim-k5-narration")[0]
    questions = benchmark.questions(folder, entry)
    for question in shuffled(questions, seed, "toy kitchen", "demo")[:3]:
        click.echo()
        for line in question_lines(entry, question, answer=True):
            click.echo(line)
    click.echo(
        f"\nNext: ek100mqa verify {folder}\n"
        f"      ek100mqa build --distractor tim --k 10 --annotations {out}/annotations "
        f"--scores {out}/scores/tim_validation.pkl --out {folder}"
    )
