"""`ek100mqa demo`"""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
@click.option(
    "--layout",
    type=click.Choice(["epic", "chunks", "clips", "frames"]),
    default="epic",
    show_default=True,
    help="How the videos lie.",
)
@click.option("--no-videos", is_flag=True, help="Leave the videos out.")
def command(out: Path, seed: int, layout: Any, no_videos: bool) -> None:
    """Build the toy kitchen's benchmark and show three questions.

    The toy kitchen is made up: annotations in EPIC's columns, recognisers' scores and the
    validation videos, from the seed. Nothing is downloaded.
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
    click.echo()
    if no_videos or not _write_videos(out, seed, layout):
        click.echo(f"Next: ek100mqa verify {folder}")
    else:
        click.echo(
            f"Next: ek100mqa show {folder} P01_11_27 --config tim-k5-narration "
            f"--videos {out}/videos\n"
            f"      ek100mqa clips extract {folder} --config tim-k5-narration "
            f"--videos {out}/videos --out {out}/frames"
        )
    click.echo(
        f"      ek100mqa build --distractor tim --k 10 --annotations {out}/annotations "
        f"--scores {out}/scores/tim_validation.pkl --out {folder}"
    )


def _write_videos(out: Path, seed: int, layout: Any) -> bool:
    """The validation videos, one process each; false where PyAV is not installed."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from importlib.util import find_spec

    from ek100mqa.cli.progress import bar
    from ek100mqa.demo import VALIDATION_VIDEOS, segments
    from ek100mqa.video.toy import write_videos

    if find_spec("av") is None or find_spec("PIL") is None:
        click.echo("No videos: they need PyAV and Pillow: pip install 'ek100mqa[video]'")
        return False
    with (
        ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool,
        bar("drawing the videos") as progress,
    ):
        running = [
            pool.submit(write_videos, out / "videos", layout, segments([video], seed), seed)
            for video in VALIDATION_VIDEOS
        ]
        for done, future in enumerate(as_completed(running), start=1):
            future.result()
            progress(done, len(running))
    click.echo(f"{len(running)} videos, layout {layout} -> {out}/videos")
    return True
