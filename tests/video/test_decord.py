"""decord is fenced in: right frames or an error, where it is known to be wrong or to hang."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ek100mqa.video import toy
from ek100mqa.video.frames import ClipError
from tests.video.conftest import Kind, Video

pytest.importorskip("decord", reason="pip install 'ek100mqa[decord]'")

from ek100mqa.video.decord_reader import DecordReader

Make = Callable[[str], Video]


@pytest.mark.parametrize(
    "name", ["long.mp4", "short.mp4", "59.94.mp4", "container.mkv", "container.mov"]
)
def test_decord_gives_the_right_frames_of_ordinary_files(
    name: str, video: Make, at_most_10_s: None
) -> None:
    made = video(name)
    asked = [0.0, 0.51, 1.0, 2.345]
    pictures = DecordReader().read(made.path, asked)
    assert [toy.read_number(p.image) for p in pictures] == [made.expected(t) for t in asked]
    with pytest.raises(ClipError, match="past the end"):
        DecordReader().read(made.path, [100.0])


@pytest.mark.parametrize("name", ["container.ts", "open-gop.mp4", "open-gop.mkv"])
def test_decord_is_right_or_refused_where_it_is_known_to_fail(
    name: str, video: Make, at_most_10_s: None
) -> None:
    made = video(name)
    try:
        pictures = DecordReader().read(made.path, [0.51, 2.0])
    except ClipError:
        return
    assert [toy.read_number(p.image) for p in pictures] == [made.expected(t) for t in (0.51, 2.0)]


def test_decord_is_refused_on_avi(tmp_path: Path) -> None:
    made = Kind("x.avi", n=60, sound=False).make(tmp_path)
    with pytest.raises(ClipError, match=r"not right on \.avi"):
        DecordReader().read(made.path, [0.5])


def test_decord_is_refused_on_rotated_files(
    ffmpeg: Callable[..., None], video: Make, tmp_path: Path
) -> None:
    path = tmp_path / "turned.mp4"
    ffmpeg("-i", video("short.mp4").path, "-c", "copy", "-metadata:s:v", "rotate=90", path)
    with pytest.raises(ClipError, match="rotated"):
        DecordReader().read(path, [0.5])


def test_decord_is_refused_in_a_forked_process(video: Make, at_most_10_s: None) -> None:
    made, reader = video("long.mp4"), DecordReader()
    reader.read(made.path, [0.5])
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            reader.read(made.path, [0.5])
        except ClipError as error:
            code = 0 if "forked" in str(error) else 2
        os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0


def test_a_decord_reader_belongs_to_its_thread(video: Make) -> None:
    made, reader, raised = video("long.mp4"), DecordReader(), []

    def other() -> None:
        try:
            reader.read(made.path, [0.5])
        except RuntimeError as error:
            raised.append(error)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert len(raised) == 1
