"""Speed of the frame reader, the planned reading and the frame store.

    python -m tests.bench.clips [--clips 60]

The yardstick is the processor time of PyAV decoding every packet from the keyframe before the
clip to its last frame, with one thread and an open file, converting nothing. Ways are measured in
turns on the same clips.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import av
import click

from ek100mqa.schema import Action, Question
from ek100mqa.video import store
from ek100mqa.video.clips import ClipReader, Frames
from ek100mqa.video.extract import Job, extract
from ek100mqa.video.frames import Size, frame_times
from ek100mqa.video.layouts import Videos
from ek100mqa.video.reader import VideoReader
from tests.bench.videos import KINDS, make

Way = Callable[[Sequence[float]], object]
VIDEO = Path("P01/videos/P01_01.mp4")


def yardstick(path: Path) -> Way:
    """Every packet from the keyframe to the last frame; nothing converted."""
    container = av.open(str(path))
    stream = container.streams.video[0]
    stream.codec_context.thread_count, stream.codec_context.thread_type = 1, "NONE"
    tick = float(stream.time_base or 0)

    def way(times_s: Sequence[float]) -> None:
        last = int(times_s[-1] / tick)
        container.seek(int(times_s[0] / tick), stream=stream)
        for packet in container.demux(stream):
            for frame in stream.codec_context.decode(packet):
                if (frame.pts or 0) + (frame.duration or 0) > last:
                    return

    return way


def by_decord(path: Path) -> Way:
    """The habit that this replaces: a decord reader for each clip."""
    import decord

    def way(times_s: Sequence[float]) -> object:
        video = decord.VideoReader(str(path), num_threads=1)
        rate = video.get_avg_fps()
        return video.get_batch([int(time_s * rate) for time_s in times_s]).asnumpy()

    return way


def spend(ways: dict[str, Way], starts: Sequence[float]) -> dict[str, list[float]]:
    """Seconds of processor time of each way for each clip of 2 s, measured in turns."""
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for start in starts:
        for name, way in ways.items():
            before = time.process_time()
            way(frame_times(start, start + 2, 8))
            spent[name].append(time.process_time() - before)
    return spent


def spend_by_decord(path: Path, starts: Sequence[float]) -> dict[str, list[float]]:
    return spend({"yardstick": yardstick(path), "decord, opened per clip": by_decord(path)}, starts)


def measure(path: Path, length_s: float, clips: int) -> None:
    rng = random.Random(1)
    starts = [rng.uniform(0, length_s - 2.1) for _ in range(clips)]
    reader = VideoReader()
    ways: dict[str, Way] = {
        "yardstick": yardstick(path),
        "ours, file kept open": lambda times: reader.read(path, times),
        "ours, opened per clip": lambda times: VideoReader().read(path, times),
    }
    spent = spend(ways, starts)
    if find_spec("decord") is not None:  # apart: it decodes on in the background
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, context) as pool:
            apart = pool.submit(spend_by_decord, path, starts).result()
        scale = sum(spent["yardstick"]) / sum(apart.pop("yardstick"))
        spent |= {name: [value * scale for value in values] for name, values in apart.items()}
    base = sum(spent["yardstick"])
    for name, seconds in spent.items():
        milliseconds = 1000 * statistics.median(seconds)
        click.echo(f"| {name} | {milliseconds:.1f} | {sum(seconds) / base:.2f} |")


def plain_reader(path: Path) -> Way:
    """Clip by clip with a file kept open: every frame decoded, the wanted ones converted."""
    container = av.open(str(path))
    stream = container.streams.video[0]
    stream.codec_context.thread_count, stream.codec_context.thread_type = 1, "NONE"
    tick = float(stream.time_base or 0)

    def way(times_s: Sequence[float]) -> list[object]:
        wanted = [int(time_s / tick) for time_s in times_s]
        found: list[object] = []
        container.seek(wanted[0], stream=stream)
        for frame in container.decode(stream):
            end = (frame.pts or 0) + (frame.duration or 0)
            while wanted and wanted[0] < end:
                found.append(frame.to_ndarray(format="rgb24"))
                wanted.pop(0)
            if not wanted:
                break
        return found

    return way


def questions(length_s: float, n: int, seed: int = 2) -> list[Question]:
    """n clips of 2 s at random places of the video P01_01."""
    rng = random.Random(seed)
    starts = sorted(rng.uniform(0, length_s - 2.1) for _ in range(n))
    action = Action(0, 0)
    return [
        Question(
            *(f"P01_01_{i}", "P01", "P01_01", start, start + 2, ("a", "b"), (action, action)),
            *(0, "a", action, None, (False, False), ()),
        )
        for i, start in enumerate(starts)
    ]


def planned(root: Path, length_s: float) -> None:
    """300 clips of one 20-minute video: planned, and clip by clip with the file kept open."""
    clips = questions(length_s, 300)
    reader, plain = ClipReader(Videos(root), 8, Size()), plain_reader(root / VIDEO)
    mixed = random.Random(0).sample(clips, len(clips))
    ways: dict[str, Callable[[], int]] = {
        "clip by clip, plain PyAV, file kept open": lambda: sum(
            len(plain(frame_times(q.start_s, q.stop_s, 8))) == 8  # type: ignore[arg-type]
            for q in mixed
        ),
        "clip by clip, ours, file kept open": lambda: sum(
            len(reader.read(q).images) == 8 for q in mixed
        ),
        "planned": lambda: sum(isinstance(f, Frames) for _, f in reader.read_many(clips)),
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(3):
        for name, way in ways.items():
            before = time.process_time()
            assert way() == 300
            spent[name].append(time.process_time() - before)
    click.echo("\n**300 clips of 2 s in one 20-minute video, GOP 250**\n")
    click.echo("| way | s of processor time | ratio |\n|---|---|---|")
    base = statistics.median(next(iter(spent.values())))
    for name, values in spent.items():
        seconds = statistics.median(values)
        click.echo(f"| {name} | {seconds:.1f} | {seconds / base:.2f} |")


def frame_store(root: Path, length_s: float, work: Path) -> None:
    """Extraction with all cores, and reading back."""
    clips = store.in_order(questions(length_s, 2560))
    out = work / "frames"
    for path in out.glob("*") if out.exists() else ():
        path.unlink()
    settings = store.Settings("bench", "validation", "0", 8, None, 90, "pyav", len(clips), 64)
    store.begin(out, settings)
    cores = os.cpu_count() or 1
    job = Job(out, settings, clips, root, None, None, "pyav")
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    extract(job, range(settings.shards), cores)
    wall = time.perf_counter() - start
    time.sleep(0.5)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak = after.ru_maxrss / 1024
    click.echo(
        f"\nclips extract, {len(clips):,} clips of 8 frames: {wall:.1f} s, "
        f"{busy / wall / cores:.0%} of {cores} cores, at most {peak:.0f} MB a worker"
    )
    start = time.perf_counter()
    read = sum(len(clip.frames) == 8 for clip in store.FrameStore(out))
    rate = read / (time.perf_counter() - start)
    click.echo(f"reading it back in order: {rate:,.0f} clips of 8 frames a second, as JPEG bytes")


@click.command()
@click.option("--clips", default=40, show_default=True)
@click.option("--work", type=click.Path(path_type=Path), default=Path(".bench"), show_default=True)
def main(clips: int, work: Path) -> None:
    """Print the figures of docs/benchmarks.md about clips."""
    root = work.absolute() / "videos"
    folder = root / "P01" / "videos"
    folder.mkdir(parents=True, exist_ok=True)
    video = root / VIDEO
    video.unlink(missing_ok=True)
    os.link(make(KINDS[0], folder), video)
    frame_store(root, KINDS[0].length_s, work.absolute())  # first: no other child is counted in
    for kind in KINDS:
        path = make(kind, folder)
        click.echo(f"\n**{kind.name}** ({path.stat().st_size / 1e6:.0f} MB)\n")
        click.echo("| way | median ms of processor time a clip | ratio |\n|---|---|---|")
        measure(path, kind.length_s, clips)
    planned(root, KINDS[0].length_s)


if __name__ == "__main__":
    main()
