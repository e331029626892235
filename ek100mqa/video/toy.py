"""The toy kitchen's videos: made-up scenes in which an action can be seen and frames count.

A coloured, labelled object (the noun) moves in a way of its own (the verb) over a drifting
texture. A strip of black and white blocks at the top carries the frame's number, so that a
test reads back which frame it was given.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ek100mqa import demo
from ek100mqa.demo import NOUNS, VERBS
from ek100mqa.errors import require
from ek100mqa.schema import Segment
from ek100mqa.seeds import draw
from ek100mqa.video.frames import Image
from ek100mqa.video.layouts import Layout

WIDTH, HEIGHT = 456, 256
_BITS, _CHECK_BITS = 20, 4
_STRIP = 24  #: pixels of the number's strip
_OBJECT = 56

#: verb class -> place of the object's centre at a phase of 0 to 1, from -1 to 1 each way
_MOTIONS = (
    lambda p: (0.8 - 0.8 * p, 0.7 - 1.2 * p),  # take: towards the middle and up
    lambda p: (-0.8 * p, -0.5 + 1.2 * p),  # put: down and to the side
    lambda p: (0.3 * math.sin(6 * math.tau * p), 0.2),  # wash: to and fro, fast
    lambda p: (-0.8 + 1.6 * p, -0.3),  # open: to the right
    lambda p: (0.8 - 1.6 * p, -0.3),  # close: to the left
    lambda p: (0.0, 0.5 * abs(math.sin(4 * math.tau * p))),  # cut: up and down
    lambda p: (-0.6 + 0.6 * p, -0.6),  # turn-on
    lambda p: (0.6 - 0.6 * p, 0.6),  # turn-off
    lambda p: (0.4 * math.cos(3 * math.tau * p), 0.4 * math.sin(3 * math.tau * p)),  # stir
    lambda p: (0.6 * math.sin(2 * math.tau * p), -0.2),  # dry
)


def number_strip(number: int, width: int = WIDTH, height: int = _STRIP) -> Image:
    """Blocks of black and white, the lowest bit first, with a check sum behind: [height, width]."""
    bits = [number >> i & 1 for i in range(_BITS)]
    bits += [_check(number) >> i & 1 for i in range(_CHECK_BITS)]
    edges = np.linspace(0, width, len(bits) + 1).round().astype(int)
    row = np.repeat(np.array(bits, np.uint8) * 255, np.diff(edges))
    return np.broadcast_to(row, (height, width)).copy()


def read_number(image: Image) -> int | None:
    """The frame number on a picture of any size; None where there is none."""
    height, width = image.shape[:2]
    blocks = _BITS + _CHECK_BITS
    y = height * _STRIP // (2 * HEIGHT)
    x = ((np.arange(blocks) + 0.5) * width / blocks).astype(int)
    bits = image[y, x].astype(int).mean(axis=-1) > 127
    number = sum(1 << i for i in range(_BITS) if bits[i])
    check = sum(1 << i for i in range(_CHECK_BITS) if bits[_BITS + i])
    return number if check == _check(number) else None


def _check(number: int) -> int:
    return (number * 2654435761 >> 7 ^ 0b1010) & ((1 << _CHECK_BITS) - 1)


def scenes(
    clips: Sequence[Segment], fps: Fraction, numbers: range, seed: int = 0
) -> Iterator[Image]:
    """The pictures with these numbers of a video: [256, 456, 3] each."""
    texture = _texture(seed)
    labels = {clip.action: _label(clip) for clip in clips}
    for number in numbers:
        time_ms = float(number / fps) * 1000
        x, y = number * 2 % 256, round(20 * math.sin(number / 40)) + 128
        image = texture[y : y + HEIGHT, x : x + WIDTH].copy()
        for clip in clips:
            if clip.start_ms <= time_ms < clip.stop_ms:
                phase = (time_ms - clip.start_ms) / (clip.stop_ms - clip.start_ms)
                _paste(image, labels[clip.action], *_MOTIONS[clip.action.verb](phase))
        image[:_STRIP] = number_strip(number)[:, :, None]
        yield image


def _texture(seed: int) -> npt.NDArray[np.uint8]:
    """Cloth-like, so that motion costs the encoder something; from keyed draws."""
    side = 33
    noise = [draw(seed, str(i), "texture") >> 56 for i in range(side * side * 3)]
    coarse = np.array(noise, np.float32).reshape(side, side, 3)
    fine = coarse.repeat(24, axis=0).repeat(24, axis=1)[:768, :768]
    ramp = (np.arange(768) % 8 * 4).astype(np.float32)
    fine = fine * 0.35 + ramp[:, None, None] + ramp[None, :, None] + 40
    return np.clip(fine, 0, 255).astype(np.uint8)


def _label(clip: Segment) -> Image:
    """The object: a block in the noun's colour with its name and the verb's."""
    from PIL import Image as Pictures
    from PIL import ImageDraw

    hue = clip.action.noun * 255 // len(NOUNS)
    block = Pictures.new("HSV", (_OBJECT * 2, _OBJECT), (hue, 220, 230)).convert("RGB")
    pen = ImageDraw.Draw(block)
    pen.rectangle((0, 0, _OBJECT * 2 - 1, _OBJECT - 1), outline=(0, 0, 0), width=3)
    words = f"{VERBS[clip.action.verb][0]}\n{NOUNS[clip.action.noun][0]}"
    pen.multiline_text((8, 12), words, fill=(0, 0, 0))
    return np.asarray(block)


def _paste(image: Image, block: Image, x: float, y: float) -> None:
    height, width = block.shape[:2]
    left = round((WIDTH - width) * (x + 1) / 2)
    top = _STRIP + round((HEIGHT - _STRIP - height) * (y + 1) / 2)
    image[top : top + height, left : left + width] = block


def write_videos(
    folder: Path, layout: Layout, clips: Sequence[Segment], seed: int = 0
) -> list[Path]:
    """The video of these clips, which are of one video, in a layout; returns the files.

    Chunks are of 15 s at 30 frames a second, as AVION's; the others at the video's own rate.
    """
    video = clips[0].video_id
    person = folder / video.split("_")[0]
    fps = Fraction(30) if layout == "chunks" else Fraction(demo.fps(video)).limit_denominator(1001)
    frames = int((max(clip.stop_ms for clip in clips) / 1000 + 1) * fps)
    pictures = scenes(clips, fps, range(frames), seed)
    if layout == "epic":
        encode(person / "videos" / f"{video}.MP4", pictures, fps)
        return [person / "videos" / f"{video}.MP4"]
    if layout == "chunks":
        names = [person / f"{video}.MP4" / f"{s}.MP4" for s in range(0, frames // 30 + 1, 15)]
        for name in names:
            encode(name, islice(pictures, 15 * 30), fps)
        return names
    if layout == "frames":
        require("PIL", "video")
        from PIL import Image as Pictures

        (person / "rgb_frames" / video).mkdir(parents=True, exist_ok=True)
        names = [
            person / "rgb_frames" / video / f"frame_{number:010d}.jpg"
            for number in range(1, frames + 1)
        ]
        for name, picture in zip(names, pictures, strict=True):
            Pictures.fromarray(picture).save(name, quality=80)
        return names
    for clip in clips:
        first, end = (math.ceil(ms / 1000 * fps) for ms in (clip.start_ms, clip.stop_ms))
        cut = scenes(clips, fps, range(first, end), seed)
        encode(person / f"{clip.narration_id}.mp4", cut, fps)
    return [person / f"{clip.narration_id}.mp4" for clip in clips]


def encode(
    path: Path,
    pictures: Iterator[Image],
    fps: Fraction,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    times: Sequence[int] | None = None,
    sound: bool = True,
    pix_fmt: str = "yuv420p",
) -> int:
    """Write pictures as a video, H.264 with B-frames and a long GOP by default.

    `times`: presentation times in milliseconds for a variable frame rate. Returns the number of
    frames. With `sound`, a quiet tone lies beside.
    """
    av = require("av", "video")
    path.parent.mkdir(parents=True, exist_ok=True)
    defaults = {"preset": "veryfast", "crf": "26", "g": "250", "bf": "3", "threads": "1"}
    with av.open(str(path), "w") as container:
        first = next(pictures)
        stream = container.add_stream(codec, rate=fps, options=defaults | (options or {}))
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = Fraction(1, 1000) if times else 1 / fps
        tone = container.add_stream("aac", rate=16000, layout="mono") if sound else None
        number = 0
        for number, image in enumerate(chain([first], pictures)):
            _mux(container, stream, _frame(av, image, number, times, stream))
        _mux(container, stream, None)
        if tone is not None:
            seconds = (times[-1] / 1000 if times else number / float(fps)) + 0.05
            _beep(av, container, tone, seconds)
    return number + 1


def _frame(av: Any, image: Image, number: int, times: Sequence[int] | None, stream: Any) -> Any:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
    frame.pts = times[number] if times else number
    frame.time_base = stream.codec_context.time_base
    return frame


def _mux(container: Any, stream: Any, frame: Any) -> None:
    for packet in stream.encode(frame):
        container.mux(packet)


def _beep(av: Any, container: Any, stream: Any, seconds: float) -> None:
    for start in range(0, int(seconds * 16000), 1024):
        wave = 0.1 * np.sin(np.arange(start, start + 1024) * (440 * math.tau / 16000))
        frame = av.AudioFrame.from_ndarray(wave.astype(np.float32)[None], "fltp", "mono")
        frame.sample_rate, frame.pts = 16000, start
        _mux(container, stream, frame)
    _mux(container, stream, None)
