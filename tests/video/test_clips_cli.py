"""`clips check` and `show --videos` as a user meets them."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ek100mqa import demo
from ek100mqa.video import toy
from tests.conftest import Run

Builder = Callable[..., Path]


@pytest.fixture
def folders(build: Builder, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A benchmark, and the first seconds of one of its four videos."""
    videos = tmp_path_factory.mktemp("videos")
    clips = sorted(demo.segments(["P04_01"]), key=lambda s: s.start_ms)[:4]
    toy.write_videos(videos, "epic", clips)
    return build(), videos


def test_check_says_which_questions_have_video_and_why_not(
    run: Run, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    benchmark, videos = folders
    result = run("clips", "check", benchmark, "--videos", videos, "--json", tmp_path / "c.json")
    assert result.exit_code == 1
    assert "questions have their video, layout epic" in result.output
    assert "past the end of the video" in result.output
    rows = json.loads((tmp_path / "c.json").read_text())
    assert len(rows) == 120
    good = {row["question_id"] for row in rows if row["problem"] is None}
    assert {"P04_01_0", "P04_01_1"} <= good and all(name.startswith("P04") for name in good)
    assert any("no video of P01_11_0" in (row["problem"] or "") for row in rows)
    decoded = run("clips", "check", benchmark, "--videos", videos, "--decode")
    assert f"{120 - len(good)} of 120 questions without video" in decoded.output


def test_check_of_other_videos(run: Run, folders: tuple[Path, Path], tmp_path: Path) -> None:
    benchmark = folders[0]
    (tmp_path / "text/P04/videos").mkdir(parents=True)
    (tmp_path / "text/P04/videos/P04_01.MP4").write_text("no video")
    result = run("clips", "check", benchmark, "--videos", tmp_path / "text")
    assert result.exit_code == 1 and "cannot be opened as a video" in result.output
    missing = run("clips", "check", benchmark, "--videos", tmp_path / "nowhere")
    assert missing.exit_code == 2 and "nowhere" in missing.output


def test_show_makes_a_contact_sheet(run: Run, folders: tuple[Path, Path], tmp_path: Path) -> None:
    benchmark, videos = folders
    png = tmp_path / "sheet.png"
    result = run("show", benchmark, "P04_01_0", "--videos", videos, "--png", png, "--frames", 6)
    assert result.exit_code == 0, result.output
    hidden = np.asarray(Image.open(png))
    assert hidden.shape[1] == 1280
    run("show", benchmark, "P04_01_0", "--videos", videos, "--png", png, "--frames", 6, "--answer")
    shown = np.asarray(Image.open(png))
    green = (0, 110, 60)
    assert not (hidden == green).all(axis=-1).any()
    assert (shown == green).all(axis=-1).any()
    by_id = run("show", benchmark, "P04_01_1", "--videos", videos)
    assert "-> P04_01_1-tim-k5-narration.png" in by_id.output


def test_show_makes_a_page_of_a_sample(
    run: Run, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    benchmark, videos = folders
    page = tmp_path / "page.html"
    result = run("show", benchmark, "--sample", 40, "--videos", videos, "--html", page)
    assert result.exit_code == 0, result.output
    text = page.read_text()
    assert text.count("<figure") == 40
    assert "data:image/jpeg;base64," in text and "no video of" in text
    assert not re.search(r"(src|href)=\"(?!data:)", text)
    assert "truth" not in text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["P04_01_0", "--png", "x.png"], "need --videos"),
        (["--sample", "2", "--html", "x.html"], "need --videos"),
        (["P04_01_0", "--layout", "clips"], "need --videos"),
    ],
)
def test_options_that_would_be_ignored_are_refused(
    run: Run, folders: tuple[Path, Path], arguments: list[str], expected: str
) -> None:
    result = run("show", folders[0], *arguments)
    assert result.exit_code == 2 and expected in result.output


def test_a_clip_that_cannot_be_read_is_one_clear_error(
    run: Run, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    benchmark, videos = folders
    shutil.copytree(videos, tmp_path / "cut")
    path = tmp_path / "cut/P04/videos/P04_01.MP4"
    path.write_bytes(path.read_bytes()[:20_000])
    result = run("show", benchmark, "P04_01_0", "--videos", tmp_path / "cut")
    assert result.exit_code == 2 and f"Error: {path}: cannot be opened" in result.output


def test_the_demo_has_videos_for_every_question(run: Run) -> None:
    result = run("demo", "--layout", "clips")
    assert result.exit_code == 0 and "4 videos, layout clips" in result.output
    checked = run("clips", "check", "toy-kitchen/benchmark", "--videos", "toy-kitchen/videos")
    assert checked.exit_code == 0, checked.output
    assert "120 questions have their video, layout clips" in checked.output
