"""The right frame or a clear error, on every kind of file that is claimed to work."""

from __future__ import annotations

import math
import multiprocessing
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from ek100mqa.video import toy
from ek100mqa.video.frames import ClipError, Size, frame_times
from ek100mqa.video.reader import VideoReader
from tests.video.conftest import KINDS, Kind, Video

Make = Callable[[str], Video]


def times_for(video: Video, n: int = 40) -> list[float]:
    rng = random.Random(3)
    inside = [rng.uniform(0, video.shown_s[-1]) for _ in range(n)]
    return sorted(
        [0.0, video.shown_s[-1], *video.shown_s[:: max(1, len(video.shown_s) // 9)], *inside]
    )


def numbers(pictures: list) -> list[int | None]:  # type: ignore[type-arg]
    return [toy.read_number(picture.image) for picture in pictures]


@pytest.mark.parametrize("name", KINDS)
def test_every_frame_asked_for_is_the_right_one(name: str, video: Make, at_most_10_s: None) -> None:
    made, reader = video(name), VideoReader()
    asked = times_for(made)
    expected = [made.expected(time) for time in asked]
    assert numbers(reader.read(made.path, asked)) == expected
    for time, number in list(zip(asked, expected, strict=True))[::7]:
        picture = reader.read(made.path, [time])[0]
        assert toy.read_number(picture.image) == number
        assert picture.time_s == pytest.approx(made.shown_s[number], abs=1.1e-3)


@pytest.mark.parametrize("name", ["long.mp4", "open-gop.mkv", "pyramid.mkv", "hevc.mp4"])
def test_skipping_changes_no_pixel(name: str, video: Make) -> None:
    made = video(name)
    with av.open(str(made.path)) as container:
        plain = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    asked = made.shown_s[3::17]
    for time, picture in zip(asked, VideoReader().read(made.path, asked), strict=True):
        assert np.array_equal(picture.image, plain[made.expected(time)])


def test_the_same_time_twice_gives_the_frame_twice(video: Make) -> None:
    made = video("long.mp4")
    assert numbers(VideoReader().read(made.path, [1.0, 1.0, 1.005, 2.0])) == [50, 50, 50, 100]


@pytest.mark.parametrize("name", ["long.mp4", "container.ts", "container.mkv", "one-frame.mp4"])
def test_past_the_end_by_more_than_half_a_frame_is_an_error(name: str, video: Make) -> None:
    made, reader = video(name), VideoReader()
    last, interval = made.shown_s[-1], 1 / 50
    good = reader.read(made.path, [last + 1.4 * interval])
    assert numbers(good) == [len(made.shown_s) - 1]
    for late in (1.7 * interval, 1.0, 1e6):
        with pytest.raises(ClipError, match=f"{made.path} at .* past the end"):
            reader.read(made.path, [last + late])
    with pytest.raises(ClipError, match="before the first frame"):
        reader.read(made.path, [-0.5])
    assert numbers(reader.read(made.path, [last])) == [len(made.shown_s) - 1]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cannot be opened"),
        (b"not a video\n" * 100, "cannot be opened"),
        (b"\x00" * 10_000, "cannot be opened"),
        (b"\x00\x00\x00\x20ftypisom" + b"\x00" * 500, "cannot be opened"),
    ],
)
def test_what_is_no_video_is_an_error(
    tmp_path: Path, content: bytes, reason: str, at_most_10_s: None
) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(content)
    with pytest.raises(ClipError, match=reason):
        VideoReader().read(path, [0.0])
    with pytest.raises(ClipError, match="cannot be opened"):
        VideoReader().read(tmp_path / "missing.mp4", [0.0])


def test_a_file_without_pictures_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        toy._beep(av, container, stream, 1.0)
    with pytest.raises(ClipError, match="no video stream"):
        VideoReader().read(path, [0.0])


def right_or_error(path: Path, made: Video) -> tuple[int, int]:
    """Ask for every tenth frame on its own; count right frames and errors."""
    right = errors = 0
    for number in range(0, len(made.shown_s), 10):
        try:
            image = VideoReader().read(path, [made.shown_s[number]])[0].image
        except ClipError as error:
            assert str(path) in str(error)
            errors += 1
        else:
            assert toy.read_number(image) == number
            right += 1
    return right, errors


@pytest.mark.parametrize("name", ["long.mp4", "short.mp4", "container.mkv", "container.ts"])
def test_a_truncated_file_gives_the_right_frame_or_an_error(
    name: str, video: Make, tmp_path: Path, at_most_10_s: None
) -> None:
    made = video(name)
    content = made.path.read_bytes()
    path = tmp_path / name
    path.write_bytes(content[: int(len(content) * 0.6)])
    right, errors = right_or_error(path, made)
    assert errors > 5
    assert right > 5 or name.endswith(".mp4")  # an .mp4 has its index at the end


@pytest.mark.parametrize("name", ["short.mp4", "container.mkv", "container.ts", "open-gop.mp4"])
def test_a_damaged_file_gives_the_right_frame_or_an_error(
    name: str, video: Make, tmp_path: Path, at_most_10_s: None
) -> None:
    made = video(name)
    content = bytearray(made.path.read_bytes())
    for start in range(len(content) // 4, len(content) * 3 // 4, len(content) // 8):
        content[start : start + 3000] = random.Random(start).randbytes(3000)
    path = tmp_path / name
    path.write_bytes(content)
    _, errors = right_or_error(path, made)
    assert errors > 3


@pytest.mark.parametrize("start", ["3.3", "4.0", "1.77"])
def test_a_cut_without_re_encoding_shows_what_a_player_shows(
    ffmpeg: Callable[..., None], video: Make, tmp_path: Path, start: str
) -> None:
    made, path = video("short.mp4"), tmp_path / "cut.mp4"
    ffmpeg("-ss", start, "-i", made.path, "-t", "1.5", "-c", "copy", path)
    asked = frame_times(0.0, 1.4, 8)
    first = math.ceil(float(start) * 50 - 1e-6)
    expected = [first + math.floor((time + 1e-6) * 50) for time in asked]
    assert numbers(VideoReader().read(path, asked)) == expected


def test_a_cut_that_lost_its_first_frames_is_an_error(
    ffmpeg: Callable[..., None], video: Make, tmp_path: Path
) -> None:
    path = tmp_path / "cut.mp4"
    ffmpeg("-i", video("long.mp4").path, "-ss", "3.3", "-t", "2.5", "-c", "copy", path)
    with pytest.raises(ClipError, match=r"starts .* s after its sound"):
        VideoReader().read(path, [0.0])


@pytest.mark.parametrize("angle", [90, 180, 270])
def test_a_rotation_flag_turns_the_frame_as_ffmpeg_does(
    ffmpeg: Callable[..., None], video: Make, tmp_path: Path, angle: int
) -> None:
    path, shown = tmp_path / "turned.mp4", tmp_path / "shown.png"
    ffmpeg("-i", video("short.mp4").path, "-c", "copy", "-metadata:s:v", f"rotate={angle}", path)
    ffmpeg("-ss", "1.0", "-i", path, "-frames:v", "1", shown)
    from PIL import Image

    image = VideoReader().read(path, [1.0])[0].image
    expected = np.asarray(Image.open(shown).convert("RGB"))
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected).mean() < 3


def test_avi_keeps_no_presentation_times_and_is_an_error(tmp_path: Path) -> None:
    made = Kind("x.avi", sound=False, n=60).make(tmp_path)
    with pytest.raises(ClipError, match="AVI"):
        VideoReader().read(made.path, [0.5])


def test_frames_are_scaled_to_a_shorter_side(video: Make) -> None:
    made, reader = video("long.mp4"), VideoReader()
    small = reader.read(made.path, [1.0], Size(56))[0].image
    assert small.shape == (56, 96, 3) and toy.read_number(small) == 50
    assert reader.read(made.path, [1.0], Size(500))[0].image.shape == (112, 192, 3)


def test_few_files_stay_open(video: Make) -> None:
    reader = VideoReader(keep_open=2)
    names = ["long.mp4", "short.mp4", "59.94.mp4", "container.mkv"]
    for name in [*names, *names]:
        made = video(name)
        assert numbers(reader.read(made.path, [1.0])) == [made.expected(1.0)]
        assert len(reader._files) <= 2
    reader.close()
    assert not reader._files


def test_a_reader_belongs_to_its_thread(video: Make) -> None:
    made, reader, raised = video("long.mp4"), VideoReader(), []

    def other() -> None:
        try:
            reader.read(made.path, [1.0])
        except RuntimeError as error:
            raised.append(str(error))

    reader.read(made.path, [1.0])
    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert raised == ["a VideoReader belongs to the thread that made it; make one each"]


def _child(path: Path, queue: object) -> None:
    queue.put(numbers(VideoReader().read(path, [1.0, 2.0])))  # type: ignore[attr-defined]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_process_reads_on_its_own(method: str, video: Make, at_most_10_s: None) -> None:
    made = video("long.mp4")
    VideoReader().read(made.path, [0.5])
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    child = context.Process(target=_child, args=(made.path, queue))  # type: ignore[attr-defined]
    child.start()
    assert queue.get(timeout=9) == [50, 100]
    child.join()


def test_a_reader_that_was_open_survives_a_fork(video: Make, at_most_10_s: None) -> None:
    made, reader = video("long.mp4"), VideoReader()
    reader.read(made.path, [0.5])
    pid = os.fork()
    if pid == 0:
        good = numbers(reader.read(made.path, [1.0, 2.0])) == [50, 100]
        os._exit(0 if good else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert numbers(reader.read(made.path, [1.0, 2.0])) == [50, 100]


def test_frame_times_are_the_centres_of_equal_parts() -> None:
    assert frame_times(10.0, 14.0, 4) == [10.5, 11.5, 12.5, 13.5]
    assert frame_times(0.0, 1.0, 1) == [0.5]
