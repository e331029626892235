"""`ek100mqa show`"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ek100mqa.cli.options import annotations_option, benchmark_argument, layout_option


@click.command("show")
@benchmark_argument
@click.argument("question_id", required=False)
@click.option("--sample", type=click.IntRange(1), help="So many questions at random.")
@click.option("--seed", default=0, show_default=True, help="Of the sample.")
@click.option("--config", help="Only this config. [default: all]")
@click.option("--split", type=click.Choice(["validation", "train"]), help="Only this split.")
@click.option("--answer", is_flag=True, help="Mark the truth.")
@click.option(
    "--videos",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of EPIC's videos: show the clip's frames as well.",
)
@layout_option
@annotations_option
@click.option("--frames", default=8, show_default=True, type=click.IntRange(1, 64))
@click.option("--png", type=click.Path(path_type=Path), help="Contact sheet. [default: by its id]")
@click.option("--html", type=click.Path(path_type=Path), help="All contact sheets on one page.")
@click.option("--open", "open_it", is_flag=True, help="Open the contact sheet or page.")
def command(
    folder: Path,
    question_id: str | None,
    sample: int | None,
    seed: int,
    config: str | None,
    split: str | None,
    answer: bool,
    videos: Path | None,
    layout: Any,
    annotations: Path | None,
    frames: int,
    png: Path | None,
    html: Path | None,
    open_it: bool,
) -> None:
    """Show questions, readable; the truth only with --answer.

    \b
    ek100mqa show ek100-mqa P01_11_0
    ek100mqa show ek100-mqa --sample 5 --answer
    ek100mqa show ek100-mqa P01_11_0 --videos EPIC --open
    ek100mqa show ek100-mqa --sample 12 --videos EPIC --html page.html
    """
    from ek100mqa import benchmark
    from ek100mqa.cli.report import question_lines
    from ek100mqa.errors import Ek100Error
    from ek100mqa.seeds import shuffled

    if (question_id is None) == (sample is None):
        raise click.UsageError("name one QUESTION_ID, or --sample N")
    if videos is None and (png or html or open_it or layout):
        raise click.UsageError("--png, --html, --open and --layout need --videos")
    if png is not None and sample is not None:
        raise click.UsageError("--png is for one question; use --html for a sample")
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
    if png is not None and len(found) > 1:
        raise click.UsageError("--png is for one question; several configs have it: add --config")
    if sample is not None:
        found = shuffled(found, seed, "show", "sample")[:sample]
    for number, (entry, question) in enumerate(found):
        if number:
            click.echo()
        for line in question_lines(entry, question, answer):
            click.echo(line)
    if videos is not None:
        from ek100mqa.cli.sheets import write_page, write_pngs
        from ek100mqa.cli.videos import open_videos
        from ek100mqa.video.clips import ClipReader
        from ek100mqa.video.frames import Size

        reader = ClipReader(open_videos(videos, layout, annotations), frames, Size(384))
        if html is not None:
            write_page(found, reader, answer, html)
        else:
            html = write_pngs(found, reader, answer, png)
        if open_it:
            click.launch(str(html))
