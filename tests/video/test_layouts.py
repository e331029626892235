"""Every layout of EPIC's videos gives the right frames of every clip."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ek100mqa import demo, published
from ek100mqa.errors import Ek100Error
from ek100mqa.video import toy
from ek100mqa.video.clips import ClipReader, Frames
from ek100mqa.video.frames import ClipError, Size, frame_times
from ek100mqa.video.layouts import SUFFIXES, Videos, read_fps
from tests.video.conftest import CLIPS, LAYOUTS, question

Toys = Callable[[str], Path]
VIDEO = CLIPS[0].video_id
FPS = {VIDEO: demo.fps(VIDEO)}
QUESTIONS = [question(clip) for clip in CLIPS]


def expected_numbers(layout: str, q: object) -> list[int]:
    fps = 30.0 if layout == "chunks" else FPS[VIDEO]
    times = frame_times(q.start_s, q.stop_s, 8)  # type: ignore[attr-defined]
    if layout != "clips":
        return [int((time + 1e-6) * fps) for time in times]
    # A trimmed clip starts with its first whole frame.
    first = -int(-q.start_s * fps // 1)  # type: ignore[attr-defined]
    return [first + int((time - q.start_s + 1e-6) * fps) for time in times]  # type: ignore[attr-defined]


def numbers(frames: Frames | ClipError) -> list[int | None]:
    assert isinstance(frames, Frames), frames
    return [toy.read_number(image) for image in frames.images]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_clip_in_every_layout_has_the_right_frames(layout: str, toy_videos: Toys) -> None:
    videos = Videos(toy_videos(layout), fps=FPS)
    reader = ClipReader(videos, 8, Size())
    together = {q.question_id: result for q, result in reader.read_many(QUESTIONS)}
    for q in QUESTIONS:
        assert videos.layout(q) == layout
        assert numbers(together[q.question_id]) == expected_numbers(layout, q)
        assert numbers(reader.read(q)) == expected_numbers(layout, q)
        frames = together[q.question_id]
        assert isinstance(frames, Frames)
        rate = 30.0 if layout == "chunks" else FPS[VIDEO]
        for number, shown in zip(expected_numbers(layout, q), frames.times_s, strict=True):
            # A trimmed clip's first frame is shown at its start, up to a frame early.
            early = 1 / rate if layout == "clips" else 0.0
            assert -early - 1e-3 <= shown - (number / rate - q.start_s) <= 1e-3


def test_a_clip_may_lie_in_two_chunks(toy_videos: Toys) -> None:
    reader = ClipReader(Videos(toy_videos("chunks")), 8, Size())
    q = QUESTIONS[0]._replace(question_id="P04_01_99", start_s=14.2, stop_s=15.9)
    frames = reader.read(q)
    assert [path.name for path in frames.sources] == ["0.MP4", "15.MP4"]
    assert numbers(frames) == expected_numbers("chunks", q)


def test_a_chunk_that_is_not_there_is_an_error_for_its_clips_alone(
    toy_videos: Toys, tmp_path: Path
) -> None:
    shutil.copytree(toy_videos("chunks"), tmp_path / "some")
    (tmp_path / f"some/P04/{VIDEO}.MP4/15.MP4").unlink()
    reader = ClipReader(Videos(tmp_path / "some"), 8, Size())
    for q, result in reader.read_many(QUESTIONS):
        late = frame_times(q.start_s, q.stop_s, 8)[-1] > 15
        assert isinstance(result, ClipError) == late
        if late:
            assert "past the end" in str(result) and "0.MP4" in str(result)


def test_epic_s_folder_without_videos_below_is_read_too(toy_videos: Toys, tmp_path: Path) -> None:
    (tmp_path / "P04").mkdir()
    shutil.copy(toy_videos("epic") / f"P04/videos/{VIDEO}.MP4", tmp_path / f"P04/{VIDEO}.mp4")
    reader = ClipReader(Videos(tmp_path), 8, Size())
    assert numbers(reader.read(QUESTIONS[0])) == expected_numbers("epic", QUESTIONS[0])


def test_a_named_layout_is_the_only_one_looked_at(toy_videos: Toys) -> None:
    reader = ClipReader(Videos(toy_videos("epic"), "clips"), 8, Size())
    with pytest.raises(ClipError, match="no video of P04_01_0 in the layout clips"):
        reader.read(QUESTIONS[0])


def test_a_missing_frame_file_is_an_error(toy_videos: Toys, tmp_path: Path) -> None:
    shutil.copytree(toy_videos("frames"), tmp_path / "some")
    folder = tmp_path / f"some/P04/rgb_frames/{VIDEO}"
    number = expected_numbers("frames", QUESTIONS[3])[2] + 1
    (folder / f"frame_{number:010d}.jpg").write_bytes(b"not a picture")
    reader = ClipReader(Videos(tmp_path / "some", fps=FPS), 8, Size())
    with pytest.raises(ClipError, match="not readable as a picture"):
        reader.read(QUESTIONS[3])
    for path in folder.glob("*.jpg"):
        path.unlink()
    with pytest.raises(ClipError, match="no such frame"):
        reader.read(QUESTIONS[3])


def test_numbered_frames_need_the_frame_rate(toy_videos: Toys) -> None:
    reader = ClipReader(Videos(toy_videos("frames")), 8, Size())
    with pytest.raises(Ek100Error, match="--annotations"):
        reader.read(QUESTIONS[0])


def test_a_time_past_the_last_numbered_frame_by_half_a_frame_is_an_error(
    toy_videos: Toys,
) -> None:
    videos, fps = Videos(toy_videos("frames"), fps=FPS), FPS[VIDEO]
    n = len(list((toy_videos("frames") / f"P04/rgb_frames/{VIDEO}").iterdir()))
    assert videos.wanted(QUESTIONS[0], [(n + 0.4) / fps])[0].path.stem.endswith(str(n))
    with pytest.raises(ClipError, match="no such frame"):
        videos.wanted(QUESTIONS[0], [(n + 0.6) / fps])


@pytest.mark.parametrize("video_id", ["../../etc", "P04_01/..", "P04_02"])
def test_file_names_are_built_from_checked_ids(video_id: str, toy_videos: Toys) -> None:
    bad = QUESTIONS[0]._replace(video_id=video_id)
    with pytest.raises(Ek100Error, match="not an id to build a file name from"):
        Videos(toy_videos("epic")).wanted(bad, [0.0])


def test_scaled_frames_still_count(toy_videos: Toys) -> None:
    for layout in LAYOUTS:
        reader = ClipReader(Videos(toy_videos(layout), fps=FPS), 8, Size(128))
        frames = reader.read(QUESTIONS[2])
        assert frames.images[0].shape == (128, 228, 3)
        assert numbers(frames) == expected_numbers(layout, QUESTIONS[2])


def test_frame_rates_come_from_epic_s_table(kitchen_folder: Path, tmp_path: Path) -> None:
    assert read_fps(kitchen_folder / "annotations")["P01_11"] == pytest.approx(59.94, abs=0.01)
    text = (kitchen_folder / "annotations" / published.VIDEO_INFO).read_text()
    (tmp_path / published.VIDEO_INFO).write_text(text.replace("50.0", "fast", 1))
    with pytest.raises(Ek100Error, match="fps is 'fast'; expected a number"):
        read_fps(tmp_path)


def test_suffixes_in_capitals_and_small_letters_are_known() -> None:
    assert {".MP4", ".mp4", ".mkv", ".ts"} <= set(SUFFIXES)


def test_one_unreadable_frame_costs_its_clips_alone(toy_videos: Toys, tmp_path: Path) -> None:
    shutil.copytree(toy_videos("epic"), tmp_path / "some")
    path = tmp_path / f"some/P04/videos/{VIDEO}.MP4"
    content = bytearray(path.read_bytes())
    third = len(content) // 3
    content[third : third + 60_000] = bytes(60_000)
    path.write_bytes(content)
    reader = ClipReader(Videos(tmp_path / "some"), 8, Size())
    results = dict(reader.read_many(QUESTIONS))
    good = [q for q, result in results.items() if isinstance(result, Frames)]
    assert 0 < len(good) < len(QUESTIONS)
    for q in good:
        assert numbers(results[q]) == expected_numbers("epic", q)
