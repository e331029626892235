"""Which frames of a clip are wanted, and what came back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ek100mqa.errors import Ek100Error

Image = npt.NDArray[np.uint8]

#: A frame is on show at its presentation time, give or take this rounding of containers.
ROUNDING_S = 1e-6


class ClipError(Ek100Error):
    """A frame that cannot be had: file, time in it and reason. Never another frame instead."""

    def __init__(self, path: Path, time_s: float | None, reason: str) -> None:
        at = "" if time_s is None else f" at {time_s:.3f} s"
        super().__init__(f"{path}{at}: {reason}")
        self.path, self.time_s, self.reason = path, time_s, reason

    def __reduce__(self) -> tuple[type, tuple[Path, float | None, str]]:
        return type(self), (self.path, self.time_s, self.reason)


class Wanted(NamedTuple):
    """One frame of a clip."""

    path: Path
    time_s: float  #: in that file, from its start
    origin_s: float = 0.0  #: where that file starts in the video


class Picture(NamedTuple):
    """A decoded frame."""

    time_s: float  #: when it is shown, in seconds from the start of its file's video
    image: Image  #: [height, width, 3], RGB


@dataclass(frozen=True)
class Size:
    """How large frames come back: their own size, or scaled to a shorter side in pixels."""

    short_side: int | None = None

    def of(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) after scaling, each even; never larger than the frame."""
        if self.short_side is None or self.short_side >= min(width, height):
            return width, height
        scale = self.short_side / min(width, height)
        return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def frame_times(start_s: float, stop_s: float, n: int) -> list[float]:
    """The centres of n equal parts of [start_s, stop_s]."""
    part = (stop_s - start_s) / n
    return [start_s + (i + 0.5) * part for i in range(n)]
