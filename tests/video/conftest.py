"""Small videos whose frames carry their number."""

from __future__ import annotations

import shutil
import signal
import subprocess
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ek100mqa.demo import segments
from ek100mqa.schema import Action, Question, Segment
from ek100mqa.video.frames import Image

pytest.importorskip("av", reason="pip install 'ek100mqa[video]'")
pytest.importorskip("PIL", reason="pip install 'ek100mqa[video]'")

from ek100mqa.video import toy

FPS = Fraction(50)


def pictures(n: int, width: int = 192, height: int = 112) -> Iterator[Image]:
    """n pictures of drifting cloth with their numbers."""
    rng = np.random.default_rng(0)
    cloth = rng.integers(0, 255, (height // 8 + 2, 80, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    strip = height * 24 // 256 + 1
    for number in range(n):
        image = cloth[4 : 4 + height, number % 400 : number % 400 + width].copy()
        image[:strip] = toy.number_strip(number, width, strip)[:, :, None]
        yield image


@dataclass(frozen=True)
class Video:
    """A video file and when each of its frames is shown, in seconds from its start."""

    path: Path
    shown_s: list[float]

    def expected(self, time_s: float) -> int:
        return bisect_right(self.shown_s, time_s + 1e-6) - 1


@dataclass(frozen=True)
class Kind:
    """A way to encode a video."""

    name: str = "long.mp4"
    n: int = 300
    codec: str = "libx264"
    options: tuple[tuple[str, str], ...] = ()
    times_ms: tuple[int, ...] | None = None
    size: tuple[int, int] = (192, 112)
    fps: Fraction = FPS
    pix_fmt: str = "yuv420p"
    sound: bool = True

    def make(self, folder: Path) -> Video:
        path = folder / self.name
        times = list(self.times_ms) if self.times_ms else None
        toy.encode(
            path, pictures(self.n, *self.size), self.fps, self.codec, dict(self.options), times,
            self.sound, self.pix_fmt,
        )  # fmt: skip
        if times:
            return Video(path, [(ms - times[0]) / 1000 for ms in times])
        return Video(path, [float(i / self.fps) for i in range(self.n)])


VFR = tuple(int(1000 + i * 20 + (i % 7) * 60 * (i % 3)) for i in range(200))
KINDS = {
    kind.name: kind
    for kind in (
        Kind("long.mp4"),
        Kind("short.mp4", options=(("g", "12"),)),
        Kind("no-b-frames.mp4", options=(("bf", "0"),)),
        Kind("pyramid.mkv", options=(("bf", "8"), ("x264-params", "b-pyramid=normal:ref=5"))),
        Kind("open-gop.mp4", options=(("g", "30"), ("x264-params", "open-gop=1:bframes=3"))),
        Kind("open-gop.mkv", options=(("g", "30"), ("x264-params", "open-gop=1:bframes=3"))),
        Kind("59.94.mp4", fps=Fraction(60000, 1001)),
        Kind("container.mkv"),
        Kind("container.ts", options=(("g", "50"),)),
        Kind("container.mov"),
        Kind("no-sound.ts", sound=False),
        Kind("later.mp4", times_ms=tuple(5000 + 20 * i for i in range(150)), sound=False),
        Kind("later.mkv", times_ms=tuple(5000 + 20 * i for i in range(150)), sound=False),
        Kind("variable.mp4", n=200, times_ms=tuple(sorted(set(VFR)))[:200], sound=False),
        Kind("variable.mkv", n=200, times_ms=tuple(sorted(set(VFR)))[:200], sound=False),
        Kind("one-frame.mp4", n=1),
        Kind("one-frame.mkv", n=1),
        Kind("odd-size.mp4", size=(191, 113), pix_fmt="yuv444p"),
        Kind("hevc.mp4", codec="libx265", options=(("x265-params", "log-level=none:pools=1"),)),
        Kind("hevc.mkv", codec="libx265", n=120, options=(("x265-params", "log-level=none"),)),
        Kind("mpeg4.mp4", codec="mpeg4", options=(("g", "25"), ("bf", "2"))),
    )
}


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Video]:
    """Encode a kind once: video("open-gop.mp4")."""
    folder = tmp_path_factory.mktemp("videos")
    made: dict[str, Video] = {}

    def call(name: str) -> Video:
        if name not in made:
            kind = KINDS[name]
            if kind.times_ms:
                kind = Kind(**{**vars(kind), "n": len(kind.times_ms)})
            made[name] = kind.make(folder)
        return made[name]

    return call


@pytest.fixture
def at_most_10_s() -> Iterator[None]:
    """A reader that hangs fails its test."""

    def stop(*_: object) -> None:
        raise AssertionError("hung for 10 seconds")

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(10)
    yield
    signal.alarm(0)


@pytest.fixture
def ffmpeg() -> Callable[..., None]:
    """Run ffmpeg: for cuts without re-encoding and rotation flags, which PyAV does not make."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("needs ffmpeg: apt-get install ffmpeg")

    def call(*arguments: Any) -> None:
        command = ["ffmpeg", "-v", "error", "-y", *map(str, arguments)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)

    return call


def question(segment: Segment) -> Question:
    """A question about a clip; its options do not matter here."""
    return Question(
        question_id=segment.narration_id,
        participant_id=segment.participant_id,
        video_id=segment.video_id,
        start_s=segment.start_s,
        stop_s=segment.stop_s,
        choices=("take cup", "put cup"),
        choice_actions=(Action(0, 4), Action(1, 4)),
        answer=0,
        narration=segment.narration,
        action=segment.action,
        truth_rank=None,
        concurrent=(False, False),
        priors=(),
    )


CLIPS = sorted(segments(["P04_01"]), key=lambda s: s.start_ms)[:14]  # 20 s: over a chunk's border
LAYOUTS = ["epic", "chunks", "clips", "frames"]


@pytest.fixture(scope="session")
def toy_videos(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The start of a toy video in a layout."""
    made: dict[str, Path] = {}

    def call(layout: str) -> Path:
        if layout not in made:
            made[layout] = tmp_path_factory.mktemp(layout)
            toy.write_videos(made[layout], layout, CLIPS)  # type: ignore[arg-type]
        return made[layout]

    return call
