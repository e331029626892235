"""The toy kitchen's videos are worth testing on."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ek100mqa import demo
from ek100mqa.video import toy
from tests.video.conftest import CLIPS

Toys = Callable[[str], Path]


@settings(max_examples=50)
@given(st.integers(0, (1 << 20) - 1), st.sampled_from([(456, 256), (128, 72), (1920, 1080)]))
def test_a_number_is_read_back_at_any_size(number: int, size: tuple[int, int]) -> None:
    image = np.full((256, 456, 3), 128, np.uint8)
    image[:24] = toy.number_strip(number)[:, :, None]
    scaled = np.asarray(Image.fromarray(image).resize(size))
    assert toy.read_number(scaled) == number


def test_a_picture_without_a_number_has_none() -> None:
    assert toy.read_number(np.full((256, 456, 3), 255, np.uint8)) is None
    assert toy.read_number(np.zeros((256, 456, 3), np.uint8)) is None


def test_the_videos_are_like_epic_s(toy_videos: Toys) -> None:
    path = toy_videos("epic") / "P04/videos/P04_01.MP4"
    with av.open(str(path)) as container:
        assert len(container.streams.audio) == 1
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        kinds = [int(frame.pict_type) for frame in container.decode(stream)]
        i_frames, b_frames = kinds.count(1), kinds.count(3)  # AV_PICTURE_TYPE_I and _B
        assert b_frames > len(kinds) / 3
        assert i_frames < len(kinds) / 40


def test_some_videos_have_50_and_some_59_94_frames_a_second() -> None:
    rates = {round(demo.fps(video), 2) for video in demo.VALIDATION_VIDEOS}
    assert rates == {50.0, 59.94}


def test_what_is_done_can_be_seen() -> None:
    clip = next(clip for clip in CLIPS if demo.VERBS[clip.action.verb][0] in ("open", "close"))
    fps = Fraction(50)
    start, stop = (int(ms / 1000 * fps) + 1 for ms in (clip.start_ms, clip.stop_ms))
    empty = next(toy.scenes([], fps, range(start, start + 1)))
    first = next(toy.scenes([clip], fps, range(start, start + 1)))
    last = next(toy.scenes([clip], fps, range(stop - 2, stop - 1)))
    seen = (first != empty).any(axis=-1)
    assert 3000 < seen.sum() < 0.2 * seen.size
    colour = np.median(first[seen], axis=0)
    assert colour.max() - colour.min() > 100
    where = [np.argwhere(((image - colour) ** 2).sum(axis=-1) < 400) for image in (first, last)]
    assert np.abs(where[0].mean(axis=0) - where[1].mean(axis=0)).max() > 10
