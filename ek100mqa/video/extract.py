"""Make a frame store with several processes, or a Ray cluster."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ek100mqa.errors import Ek100Error, require
from ek100mqa.schema import Question
from ek100mqa.video import store
from ek100mqa.video.clips import Backend, ClipReader
from ek100mqa.video.frames import Size
from ek100mqa.video.layouts import Layout, Videos
from ek100mqa.video.store import Settings

Engine = Literal["processes", "ray"]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Job:
    """Everything a worker needs to make any shard of a store."""

    folder: Path
    settings: Settings
    ordered: Sequence[Question]  #: in the order of the shards
    root: Path  #: of the videos
    layout: Layout | None
    fps: Mapping[str, float] | None
    backend: Backend

    def make(self, index: int) -> int:
        """Make one shard; returns how many clips have no frames."""
        videos = Videos(self.root, self.layout, self.fps)
        size = Size(self.settings.short_side)
        reader = ClipReader(videos, self.settings.frames, size, self.backend)
        questions = store.shard_questions(self.ordered, index, self.settings)
        try:
            return store.make_shard(self.folder, index, self.settings, questions, reader)
        finally:
            reader.close()


def extract(
    job: Job,
    shards: Sequence[int],
    workers: int,
    engine: Engine = "processes",
    progress: Progress = lambda done, total: None,
) -> int:
    """Make these shards; returns how many clips of them have no frames.

    A shard is whole or not there, so that a run that is stopped goes on where it was. Each
    worker decodes with one thread and takes the next shard when it is done with one.
    """
    if not shards:
        return 0
    run = _with_ray if engine == "ray" else _with_processes
    return run(job, shards, workers, progress)


_job: Job | None = None


def _begin(job: Job) -> None:
    global _job
    _job = job
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C: the shards in work are finished


def _make(index: int) -> int:
    assert _job is not None
    return _job.make(index)


def _with_processes(job: Job, shards: Sequence[int], workers: int, progress: Progress) -> int:
    # Spawned, not forked: a decoder opened before a fork is of no use after it.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(shards)), context, _begin, (job,))
    errors = 0
    try:
        futures: list[Future[int]] = [pool.submit(_make, index) for index in shards]
        for done, future in enumerate(as_completed(futures), start=1):
            errors += future.result()
            progress(done, len(shards))
    except BrokenProcessPool as error:
        raise Ek100Error(
            f"{job.folder}: a worker process died (out of memory?); the shards that are done "
            "stay; the same command goes on, with fewer --workers perhaps"
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return errors


def _with_ray(job: Job, shards: Sequence[int], workers: int, progress: Progress) -> int:
    """On the cluster that RAY_ADDRESS names, or on a local one of `workers` processes.

    Every node must see the videos and the store under the same paths.
    """
    import os

    ray = require("ray", "ray")
    started = not ray.is_initialized()
    if started and os.environ.get("RAY_ADDRESS"):
        ray.init()
    elif started:
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
    try:
        shared = ray.put(job)
        make = ray.remote(num_cpus=1, max_retries=2)(Job.make)
        waiting = [make.remote(shared, index) for index in shards]
        errors = 0
        for done in range(1, len(shards) + 1):
            ready, waiting = ray.wait(waiting)
            try:
                errors += ray.get(ready[0])
            except ray.exceptions.RayTaskError as error:
                raise Ek100Error(f"{job.folder}: a Ray task failed: {error.cause}") from error
            progress(done, len(shards))
        return errors
    finally:
        if started:
            ray.shutdown()
