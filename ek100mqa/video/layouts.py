"""Where a clip's frames lie, in every layout in which EPIC's videos come.

epic    P01/videos/P01_01.MP4 or P01/P01_01.MP4          EPIC's own files
chunks  P01/P01_01.MP4/0.MP4, 15.MP4, …                  AVION's pieces; the name is the start in s
clips   P01/P01_11_0.mp4                                 one trimmed file per narration id
frames  P01/rgb_frames/P01_01/frame_0000000001.jpg       EPIC's extracted frames, counted from 1
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from ek100mqa import published
from ek100mqa.annotations import is_narration_id
from ek100mqa.errors import Ek100Error
from ek100mqa.schema import Question
from ek100mqa.tables import read_table
from ek100mqa.video.frames import ROUNDING_S, ClipError, Wanted

Layout = Literal["epic", "chunks", "clips", "frames"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)
SUFFIXES = (".MP4", ".mp4", ".mkv", ".ts", ".mov", ".webm")


class Videos:
    """A folder of videos. Layouts are told apart for each clip, unless one is named."""

    def __init__(
        self, root: Path, layout: Layout | None = None, fps: Mapping[str, float] | None = None
    ) -> None:
        if not root.is_dir():
            raise Ek100Error(f"{root}: not a folder; expected EPIC's videos below it")
        self.root = root
        self._layouts = (layout,) if layout else LAYOUTS
        self.fps = fps
        # A folder is looked at once in the life of this object.
        self._file, self._dir = cache(_first_file), cache(_first_dir)
        self._is_dir, self._chunks = cache(Path.is_dir), cache(_chunks)

    def layout(self, question: Question) -> Layout | None:
        """The layout in which the clip's video is there; None where it is not."""
        return next((name for name in self._layouts if self._place(name, question)), None)

    def wanted(self, question: Question, times_s: Sequence[float]) -> list[Wanted]:
        """File and time in it for each time of the video; `ClipError` where there is no video."""
        layout = self.layout(question)
        if layout is None:
            names = " or ".join(self._layouts)
            raise ClipError(
                self.root, None, f"no video of {question.question_id} in the layout {names}"
            )
        place = self._place(layout, question)
        assert place is not None
        if layout == "epic":
            return [Wanted(place, time_s) for time_s in times_s]
        if layout == "clips":
            start_s = question.start_s
            return [Wanted(place, time_s - start_s, start_s) for time_s in times_s]
        if layout == "chunks":
            return [_in_chunk(place, *self._chunks(place), time_s) for time_s in times_s]
        return [self._numbered(place, question.video_id, time_s) for time_s in times_s]

    def _place(self, layout: Layout, question: Question) -> Path | None:
        """The video file, or the folder of chunks or frames."""
        if not is_narration_id(question.question_id) or not question.question_id.startswith(
            f"{question.video_id}_"
        ):
            raise Ek100Error(f"{question.question_id!r}: not an id to build a file name from")
        person = self.root / question.video_id.split("_")[0]
        if layout == "frames":
            folder = person / "rgb_frames" / question.video_id
            return folder if self._is_dir(folder) else None
        if layout == "chunks":
            return self._dir(person / question.video_id)
        if layout == "clips":
            return self._file(person / question.question_id)
        below = self._file(person / "videos" / question.video_id)
        return below or self._file(person / question.video_id)

    def _numbered(self, folder: Path, video_id: str, time_s: float) -> Wanted:
        fps = (self.fps or {}).get(video_id)
        if fps is None:
            raise Ek100Error(
                f"{folder}: the frame rate of {video_id} is needed to count its frames; expected "
                f"it in {published.VIDEO_INFO} of the annotations: name them with --annotations"
            )
        number = int((time_s + ROUNDING_S) * fps) + 1
        path = folder / _frame_name(number)
        if not path.exists():
            before = folder / _frame_name(number - 1)
            if before.exists() and time_s * fps - (number - 1) <= 0.5:
                return Wanted(before, (number - 2) / fps)
            raise ClipError(path, time_s, "no such frame; does the folder hold the whole video?")
        return Wanted(path, (number - 1) / fps)


def _frame_name(number: int) -> str:
    return f"frame_{number:010d}.jpg"


def _first_file(stem: Path) -> Path | None:
    paths = (stem.with_name(stem.name + suffix) for suffix in SUFFIXES)
    return next((path for path in paths if path.is_file()), None)


def _first_dir(stem: Path) -> Path | None:
    paths = (stem.with_name(stem.name + suffix) for suffix in SUFFIXES)
    return next((path for path in paths if path.is_dir()), None)


def _chunks(folder: Path) -> tuple[tuple[int, ...], tuple[Path, ...]]:
    """Starts in seconds, ascending, and the files."""
    found = {
        int(path.stem): path
        for path in sorted(folder.iterdir())
        if path.suffix in SUFFIXES and path.stem.isascii() and path.stem.isdigit()
    }
    starts = tuple(sorted(found))
    return starts, tuple(found[start] for start in starts)


def _in_chunk(folder: Path, starts: Sequence[int], paths: Sequence[Path], time_s: float) -> Wanted:
    at = bisect_right(starts, time_s + ROUNDING_S) - 1
    if at < 0:
        raise ClipError(folder, time_s, "no piece holds this time")
    return Wanted(paths[at], max(0.0, time_s - starts[at]), starts[at])


def read_fps(annotations: Path) -> dict[str, float]:
    """Frames a second of each video, from EPIC_100_video_info.csv."""
    table = read_table(annotations / published.VIDEO_INFO, ("video_id", "fps"))
    rates: dict[str, float] = {}
    for row, (video, fps) in table.rows():
        try:
            rates[video] = float(fps)
        except ValueError:
            raise table.error(row, "fps", "a number") from None
        if not 1 <= rates[video] <= 1000:
            raise table.error(row, "fps", "1 to 1000")
    return rates
