"""`--backend decord`, for those who have it (0.6.0): slower, and fenced in.

decord reads some files wrongly without a word: frames of open groups of pictures, stream-copied
cuts, `.avi`, rotated files; it hangs on `.ts`, and in a process forked after it was used. What can
be seen beforehand is refused here; docs/video.md names what cannot.
"""

from __future__ import annotations

import os
import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ek100mqa.errors import require
from ek100mqa.video.convert import scaled
from ek100mqa.video.frames import ROUNDING_S, ClipError, Picture, Size

_REFUSED = (".ts", ".avi", ".m2ts", ".mts")
_used_by: set[int] = set()  #: processes that opened a decord reader; a fork inherits the list


class DecordReader:
    """Opens a file for each call: decord goes on decoding in the background of an open one."""

    def __init__(self) -> None:
        self._decord = require("decord", "decord")
        require("av", "video")
        self._thread = threading.get_ident()
        inherited = _used_by - {os.getpid()}
        if inherited:
            raise ClipError(Path("decord"), None, "hangs in a forked process; use spawn or pyav")
        _used_by.add(os.getpid())

    def close(self) -> None:
        """Nothing stays open."""

    def stream(
        self, path: Path, times_s: Sequence[float], size: Size | None = None
    ) -> Iterator[Picture]:
        """The same as `read`, in the form that clips are read by."""
        yield from self.read(path, times_s, size)

    def read(self, path: Path, times_s: Sequence[float], size: Size | None = None) -> list[Picture]:
        """The frames at `times_s`, ascending; `ClipError` also for what decord gets wrong."""
        if _used_by != {os.getpid()}:
            raise ClipError(path, times_s[0], "decord hangs in a forked process; use spawn or pyav")
        if self._thread != threading.get_ident():
            raise RuntimeError("a DecordReader belongs to the thread that made it; make one each")
        if path.suffix.lower() in _REFUSED:
            raise ClipError(path, times_s[0], f"decord is not right on {path.suffix}; use pyav")
        shown = _shown(path)
        try:
            video: Any = self._decord.VideoReader(str(path), num_threads=1)
            starts = video.get_frame_timestamp(range(len(video)))[:, 0]
        except Exception as error:  # decord's own errors have no common class
            raise ClipError(path, times_s[0], f"decord cannot open it ({error})") from error
        if len(starts) != len(shown) or np.abs(starts - starts[0] - shown).max() > 1e-3:
            raise ClipError(path, times_s[0], "decord miscounts the frames of this file; use pyav")
        interval = float(np.median(np.diff(shown))) if len(shown) > 1 else 0.04
        indices = []
        for time_s in times_s:
            index = bisect_right(shown, time_s + ROUNDING_S) - 1
            if index < 0 or time_s > shown[-1] + 1.5 * interval:
                raise ClipError(path, time_s, "lies past the end of the video")
            indices.append(index)
        try:
            images = video.get_batch(indices).asnumpy()
        except Exception as error:
            raise ClipError(path, times_s[0], f"decord cannot decode it ({error})") from error
        return [
            Picture(float(shown[index]), scaled(image, size or Size()))
            for index, image in zip(indices, images, strict=True)
        ]


def _shown(path: Path) -> np.ndarray:
    """Presentation times of all frames in seconds from the first, by PyAV; [n_frames]."""
    import av

    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise ClipError(path, None, "has no video stream")
            stream = container.streams.video[0]
            tick = float(stream.time_base or 0)
            shown = [p.pts for p in container.demux(stream) if not p.is_discard]
            times = sorted(pts * tick for pts in shown if pts is not None)
            container.seek(0)
            if next(container.decode(stream)).rotation:
                raise ClipError(path, None, "decord gives rubbish on rotated files; use pyav")
    except (OSError, ValueError, StopIteration) as error:
        raise ClipError(path, None, f"cannot be opened as a video ({error})") from error
    return np.array(times) - times[0]
