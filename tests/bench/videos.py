"""Synthetic videos of full size: moving texture with noise, H.264 with B-frames.

A short piece is encoded and its packets are repeated, each piece with its own keyframes, so that
a 20-minute video is made in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import numpy.typing as npt

from ek100mqa.video.toy import encode


class Kind(NamedTuple):
    """A video to measure on."""

    name: str
    width: int
    height: int
    fps: int
    gop: int
    piece_s: float
    length_s: float


KINDS = (
    Kind("456x256 at 60 fps, GOP 250, 20 min", 456, 256, 60, 250, 50.0, 1200.0),
    Kind("456x256 at 60 fps, GOP 12, 20 min", 456, 256, 60, 12, 50.0, 1200.0),
    Kind("1080p at 50 fps, GOP 250, 5 min", 1920, 1080, 50, 250, 20.0, 300.0),
    Kind("AVION chunk, 512x288 at 30 fps, 15 s", 512, 288, 30, 250, 15.0, 15.0),
)


def make(kind: Kind, folder: Path) -> Path:
    """The video file; made once."""
    stem = f"{kind.width}x{kind.height}-{kind.fps}-gop{kind.gop}-{kind.length_s:.0f}s"
    path, piece = folder / f"{stem}.mp4", folder / f"{stem}-piece.mp4"
    if path.exists():
        return path
    options = {"g": str(kind.gop), "preset": "fast", "crf": "24", "threads": "2"}
    pictures = _pictures(kind.width, kind.height, int(kind.piece_s * kind.fps))
    encode(piece, pictures, Fraction(kind.fps), options=options, sound=False)
    _repeat(piece, path, round(kind.length_s / kind.piece_s))
    piece.unlink()
    return path


def _pictures(width: int, height: int, n: int) -> Iterator[npt.NDArray[np.uint8]]:
    rng = np.random.default_rng(0)
    coarse = rng.integers(30, 220, (height // 16 + 4, width // 16 + 24, 3), np.uint8)
    cloth = coarse.repeat(16, axis=0).repeat(16, axis=1)
    noise = rng.integers(0, 30, (height + 64, width + 64, 1), np.uint8)
    for number in range(n):
        x, y = number * 3 % 256, (number // 2) % 32
        dx, dy = rng.integers(0, 64, 2)
        yield cloth[y : y + height, x : x + width] + noise[dy : dy + height, dx : dx + width]


def _repeat(piece: Path, path: Path, times: int) -> None:
    """Write the piece's packets one after another."""
    partial = path.with_suffix(".partial.mp4")
    with av.open(str(partial), "w") as target:
        stream = None
        for turn in range(times):
            with av.open(str(piece)) as source:
                video = source.streams.video[0]
                stream = stream or target.add_stream_from_template(video)
                for packet in source.demux(video):
                    if packet.pts is None or packet.dts is None or video.duration is None:
                        continue
                    packet.pts += turn * video.duration
                    packet.dts += turn * video.duration
                    packet.stream = stream
                    target.mux(packet)
    partial.replace(path)
