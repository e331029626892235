"""A question's frames, whatever its layout; many questions in the order that is cheapest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from ek100mqa.errors import require
from ek100mqa.schema import Question
from ek100mqa.video.convert import scaled
from ek100mqa.video.frames import ClipError, Image, Picture, Size, Wanted, frame_times
from ek100mqa.video.layouts import Videos
from ek100mqa.video.reader import VideoReader

Backend = Literal["pyav", "decord"]


class Reader(Protocol):
    """A way to decode: PyAV's or decord's."""

    def stream(self, path: Path, times_s: Sequence[float], size: Size | None) -> Iterator[Picture]:
        """The frames at ascending times, one by one."""

    def close(self) -> None:
        """Close every file."""


class Frames(NamedTuple):
    """The frames of one clip."""

    images: list[Image]  #: n of [height, width, 3], RGB
    times_s: list[float]  #: when they are shown, in seconds from the start of the clip
    sources: list[Path]  #: the files they come from, each once


@dataclass
class ClipReader:
    """Reads clips of a folder of videos; for one process and one thread."""

    videos: Videos
    n: int  #: frames a clip
    size: Size
    backend: Backend = "pyav"

    def __post_init__(self) -> None:
        if self.backend == "decord":
            from ek100mqa.video.decord_reader import DecordReader

            self._reader: Reader = DecordReader()
        else:
            self._reader = VideoReader()

    def close(self) -> None:
        self._reader.close()

    def read(self, question: Question) -> Frames:
        """The frames of one clip, or `ClipError`."""
        [(_, result)] = self.read_many([question])
        if isinstance(result, ClipError):
            raise result
        return result

    def read_many(
        self, questions: Sequence[Question]
    ) -> Iterator[tuple[Question, Frames | ClipError]]:
        """The frames of many clips, video by video; a stretch that several need is decoded once.

        A clip that cannot be read comes with its error; the others are not touched by it.
        """
        for _, same_video in groupby(sorted(questions, key=by_time), key=lambda q: q.video_id):
            yield from self._read_video(list(same_video))

    def _read_video(
        self, questions: list[Question]
    ) -> Iterator[tuple[Question, Frames | ClipError]]:
        open_clips: dict[Wanted, list[_Clip]] = defaultdict(list)
        files: dict[Path, set[Wanted]] = defaultdict(set)  # in the order of first use
        for question in questions:
            times = frame_times(question.start_s, question.stop_s, self.n)
            try:
                wanted = self.videos.wanted(question, times)
            except ClipError as error:
                yield question, error
                continue
            clip = _Clip(question, wanted)
            for frame in clip.missing:
                files[frame.path].add(frame)
                open_clips[frame].append(clip)
        for path, frames in files.items():
            for frame, result in self._read_file(path, sorted(frames)):
                for clip in open_clips.pop(frame):
                    if clip.add(frame, result):
                        yield clip.question, clip.result()

    def _read_file(
        self, path: Path, wanted: list[Wanted]
    ) -> Iterator[tuple[Wanted, Picture | ClipError]]:
        """Each wanted frame or its own error, ascending."""
        if path.suffix == ".jpg":
            yield wanted[0], _jpeg_or_error(wanted[0], self.size)
            return
        alone = 0  # frames to ask for one by one, to find the one that fails
        while wanted:
            asked = wanted[:1] if alone else wanted
            try:
                for picture in self._reader.stream(path, [w.time_s for w in asked], self.size):
                    yield wanted.pop(0), picture
                alone = max(0, alone - 1)
            except ClipError as error:
                if error.time_s is None:  # the file as a whole
                    for frame in wanted:
                        yield frame, error
                    return
                if alone or len(asked) == 1:
                    yield wanted.pop(0), error
                alone = self.n


class _Clip:
    """A clip whose frames are coming in."""

    def __init__(self, question: Question, wanted: list[Wanted]) -> None:
        self.question, self.wanted = question, wanted
        self.missing = set(wanted)
        self._found: dict[Wanted, Picture] = {}
        self._error: ClipError | None = None

    def add(self, frame: Wanted, result: Picture | ClipError) -> bool:
        """Take a frame; true when it was the last one."""
        self.missing.discard(frame)
        if isinstance(result, ClipError):
            self._error = self._error or result
        else:
            self._found[frame] = result
        return not self.missing

    def result(self) -> Frames | ClipError:
        if self._error is not None:
            return self._error
        pictures = [self._found[frame] for frame in self.wanted]
        shown = [
            picture.time_s + frame.origin_s - self.question.start_s
            for picture, frame in zip(pictures, self.wanted, strict=True)
        ]
        sources = list(dict.fromkeys(frame.path for frame in self.wanted))
        return Frames([picture.image for picture in pictures], shown, sources)


def by_time(question: Question) -> tuple[str, float, float, str]:
    """Sort key: the order in which clips are cheapest to read."""
    return question.video_id, question.start_s, question.stop_s, question.question_id


def _jpeg_or_error(wanted: Wanted, size: Size) -> Picture | ClipError:
    try:
        return read_jpeg(wanted, size)
    except ClipError as error:
        return error


def read_jpeg(wanted: Wanted, size: Size) -> Picture:
    """One of EPIC's extracted frames."""
    pictures = require("PIL.Image", "video")
    import numpy as np

    try:
        with pictures.open(wanted.path) as opened:
            image = opened.convert("RGB")
    except (OSError, ValueError, pictures.DecompressionBombError) as error:
        raise ClipError(
            wanted.path, wanted.time_s, f"not readable as a picture ({error})"
        ) from error
    return Picture(wanted.time_s, scaled(np.asarray(image), size))
