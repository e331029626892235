"""Which questions have video, which not, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ek100mqa.schema import Question
from ek100mqa.video.clips import ClipReader, by_time
from ek100mqa.video.frames import ClipError, Wanted, frame_times
from ek100mqa.video.layouts import Layout
from ek100mqa.video.reader import length_s


class Checked(NamedTuple):
    """What was found for one question."""

    question_id: str
    layout: Layout | None
    problem: str | None  #: None where its frames can be had


def check_clips(
    questions: Sequence[Question], reader: ClipReader, decode: bool = False
) -> Iterator[Checked]:
    """Look for every clip's files and their lengths; with `decode`, decode every frame too."""
    if decode:
        for question, result in reader.read_many(questions):
            problem = str(result) if isinstance(result, ClipError) else None
            yield Checked(question.question_id, reader.videos.layout(question), problem)
        return
    length = cache(_length)  # each file is opened once
    for question in sorted(questions, key=by_time):
        layout, problem = reader.videos.layout(question), None
        try:
            times = frame_times(question.start_s, question.stop_s, reader.n)
            for wanted in reader.videos.wanted(question, times):
                _check_length(wanted, length)
        except ClipError as error:
            problem = str(error)
        yield Checked(question.question_id, layout, problem)


def _check_length(wanted: Wanted, length_of: Callable[[Path], float | ClipError | None]) -> None:
    if wanted.path.suffix == ".jpg":
        return
    length = length_of(wanted.path)
    if isinstance(length, ClipError):
        raise length
    if length is not None and wanted.time_s > length + 0.5:
        raise ClipError(
            wanted.path, wanted.time_s, f"lies past the end of the video, {length:.3f} s"
        )


def _length(path: Path) -> float | ClipError | None:
    try:
        return length_s(path)
    except ClipError as error:
        return error
