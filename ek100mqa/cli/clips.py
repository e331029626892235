"""`ek100mqa clips check` and `ek100mqa clips extract`"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import click

from ek100mqa.cli.options import annotations_option, benchmark_argument, video_options
from ek100mqa.cli.progress import bar

config_option = click.option("--config", help="Which config. [default: the only one]")
benchmark_split = click.option(
    "--split",
    type=click.Choice(["validation", "train"]),
    help="Which split. [default: the only one]",
)


@click.group("clips")
def command() -> None:
    """Find clips' videos, extract their frames."""


@command.command("check")
@benchmark_argument
@config_option
@benchmark_split
@video_options
@annotations_option
@click.option("--decode", is_flag=True, help="Decode every frame, not only look at lengths.")
@click.option("--frames", default=8, show_default=True, type=click.IntRange(1, 512))
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write each result.")
def check(
    folder: Path,
    config: str | None,
    split: str | None,
    videos: Path,
    layout: Any,
    annotations: Path | None,
    decode: bool,
    frames: int,
    json_file: Path | None,
) -> None:
    """Say which questions have video, which not and why; exit 1 where one has none.

    \b
    ek100mqa clips check ek100-mqa --videos EPIC-KITCHENS
    """
    from ek100mqa import benchmark
    from ek100mqa.cli.videos import open_videos
    from ek100mqa.video.check import check_clips
    from ek100mqa.video.clips import ClipReader
    from ek100mqa.video.frames import Size

    questions = {
        question.question_id: question
        for entry in benchmark.matching(folder, config, split)
        for question in benchmark.questions(folder, entry)
    }
    reader = ClipReader(open_videos(videos, layout, annotations), frames, Size())
    results = []
    with bar("checking") as progress:
        for result in check_clips(list(questions.values()), reader, decode):
            results.append(result)
            progress(len(results), len(questions))
    good = Counter(str(result.layout) for result in results if result.problem is None)
    for name, count in sorted(good.items()):
        click.echo(f"{count:,} questions have their video, layout {name}")
    problems = [result for result in results if result.problem is not None]
    by_video: dict[str, list[str]] = {}
    for result in problems:
        video = result.question_id.rpartition("_")[0]
        by_video.setdefault(video, []).append(f"{result.question_id}: {result.problem}")
    for video, lines in list(by_video.items())[:20]:
        click.echo(f"{video}: {len(lines):,} questions without; {lines[0]}")
    if len(by_video) > 20:
        click.echo(f"… and {len(by_video) - 20:,} more videos (--json FILE lists every question)")
    if json_file:
        from ek100mqa.files import write_whole

        rows = [result._asdict() for result in results]
        write_whole(json_file, json.dumps(rows, indent=1).encode())
    click.echo(f"{videos}: {len(problems):,} of {len(results):,} questions without video")
    raise SystemExit(1 if problems else 0)


@command.command("extract")
@benchmark_argument
@config_option
@benchmark_split
@video_options
@annotations_option
@click.option("--frames", default=8, show_default=True, type=click.IntRange(1, 512))
@click.option(
    "--short-side",
    type=click.IntRange(16, 4096),
    help="Scale to a shorter side of so many pixels. [default: as they are]",
)
@click.option("--quality", default=90, show_default=True, type=click.IntRange(1, 100), help="JPEG.")
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Frame store."
)
@click.option("--workers", type=click.IntRange(1), help="Processes. [default: one a core]")
@click.option("--clips-per-shard", default=64, show_default=True, type=click.IntRange(1))
@click.option("--shard", help="Only part i of n, e.g. 0/8: for a SLURM array; i from 0.")
@click.option(
    "--engine", type=click.Choice(["processes", "ray"]), default="processes", show_default=True
)
@click.option("--backend", type=click.Choice(["pyav", "decord"]), default="pyav", show_default=True)
@click.option("--retry-errors", is_flag=True, help="Try clips again that could not be read.")
def extract(
    folder: Path,
    config: str | None,
    split: str | None,
    videos: Path,
    layout: Any,
    annotations: Path | None,
    frames: int,
    short_side: int | None,
    quality: int,
    out: Path,
    workers: int | None,
    clips_per_shard: int,
    shard: str | None,
    engine: Any,
    backend: Any,
    retry_errors: bool,
) -> None:
    """Decode the frames of every question once, into a frame store.

    A run that is stopped goes on with the same command.

    \b
    ek100mqa clips extract ek100-mqa --videos EPIC --frames 16 --short-side 384 --out frames
    sbatch --array 0-7: ek100mqa clips extract … --shard $SLURM_ARRAY_TASK_ID/8
    """
    from ek100mqa import benchmark
    from ek100mqa.cli.videos import open_videos
    from ek100mqa.video import store
    from ek100mqa.video.extract import Job
    from ek100mqa.video.extract import extract as make_shards

    part, parts = _part(shard)
    entry = benchmark.one(folder, config, split)
    questions = store.in_order(benchmark.questions(folder, entry))
    settings = store.Settings(
        config=entry.recipe.config,
        split=entry.recipe.split,
        fingerprint=entry.fingerprint,
        frames=frames,
        short_side=short_side,
        quality=quality,
        backend=backend,
        questions=len(questions),
        clips_per_shard=clips_per_shard,
    )
    opened = open_videos(videos.absolute(), layout, annotations)
    store.begin(out, settings)
    missing = store.missing_shards(out, settings, retry_errors)
    mine = [index for index in missing if index % parts == part]
    job = Job(out.absolute(), settings, questions, opened.root, layout, opened.fps, backend)
    with bar("extracting") as progress:
        make_shards(job, mine, workers or os.cpu_count() or 1, engine, progress)
    left = store.finish(out, settings)
    there = [i for i in range(settings.shards) if i not in set(left)]
    errors = sum(store.shard_errors(store.shard_path(out, i, settings)) for i in there)
    click.echo(f"{out}: {len(mine):,} shards made, {len(there):,} of {settings.shards:,} there")
    if errors:
        click.echo(f"{errors:,} clips have no frames; ek100mqa verify {out} names them")
    raise SystemExit(1 if errors else 0)


def _part(text: str | None) -> tuple[int, int]:
    if text is None:
        return 0, 1
    first, _, second = text.partition("/")
    if first.isdecimal() and second.isdecimal() and 0 <= int(first) < int(second):
        return int(first), int(second)
    raise click.BadParameter(f"{text!r}; expected i/n with 0 <= i < n", param_hint="--shard")
