"""The frame store: made whole by whatever number of workers, read back, checked."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ek100mqa import demo
from ek100mqa.errors import Ek100Error
from ek100mqa.video import toy
from ek100mqa.video.store import NAME, FrameStore, verify_store
from tests.conftest import Run

VIDEO = "P04_01"


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A benchmark of one participant's clips, and the videos of the first 20 s."""
    from click.testing import CliRunner

    from ek100mqa.cli import main

    folder = tmp_path_factory.mktemp("store")
    clips = sorted(demo.segments([VIDEO]), key=lambda s: s.start_ms)[:14]
    train = demo.segments(demo.TRAIN_VIDEOS)
    demo.write_annotations(folder / "annotations", train, clips)
    arguments = ["build", "--distractor", "random", "--out", str(folder / "benchmark")]
    made = CliRunner().invoke(main, [*arguments, "--annotations", str(folder / "annotations")])
    assert made.exit_code == 0, made.output
    toy.write_videos(folder / "videos", "epic", clips)
    return folder / "benchmark", folder / "videos"


Extract = Callable[..., Any]


@pytest.fixture
def extract(run: Run, folders: tuple[Path, Path]) -> Extract:
    benchmark, videos = folders

    def call(out: Path, *more: object, code: int = 0) -> str:
        arguments = ("clips", "extract", benchmark, "--videos", videos, "--out", out)
        result = run(*arguments, "--frames", 4, "--clips-per-shard", 3, *more)
        assert result.exit_code == code, result.output
        return result.output

    return call


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_stored_frames_are_the_right_ones(
    extract: Extract, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    assert "5 of 5 there" in extract(tmp_path / "frames", "--workers", 2)
    store = FrameStore(tmp_path / "frames")
    fps = demo.fps(VIDEO)
    clips = {s.narration_id: s for s in demo.segments([VIDEO])}
    assert len(store) == 14
    for stored in store:
        clip = clips[stored.question_id]
        assert stored.error is None and stored.source == f"P04/videos/{VIDEO}.MP4"
        for i, (jpeg, shown) in enumerate(zip(stored.frames, stored.times_s, strict=True)):
            asked = clip.start_s + (i + 0.5) * (clip.stop_s - clip.start_s) / 4
            image = np.asarray(Image.open(io.BytesIO(jpeg)))
            assert toy.read_number(image) == int((asked + 1e-6) * fps)
            assert clip.start_s + shown <= asked + 1e-6 < clip.start_s + shown + 1.01 / fps
        assert store[stored.question_id] == stored
    assert "P04_01_0" in store and "P99_01_0" not in store


def test_the_same_store_from_any_workers_parts_and_engine(extract: Extract, tmp_path: Path) -> None:
    extract(tmp_path / "one", "--workers", 1)
    one = content(tmp_path / "one")
    extract(tmp_path / "two", "--workers", 2)
    assert content(tmp_path / "two") == one
    parts = tmp_path / "parts"
    assert "2 of 5 there" in extract(parts, "--shard", "1/2")
    with pytest.raises(Ek100Error, match="3 of 5 shards are missing"):
        FrameStore(parts)
    assert "5 of 5 there" in extract(parts, "--shard", "0/2")
    assert content(parts) == one


def test_two_parts_at_once_give_the_same_store(
    extract: Extract, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    benchmark, videos = folders
    running = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "ek100mqa", "clips", "extract", str(benchmark)),
                *("--videos", str(videos), "--out", str(tmp_path / "parts"), "--frames", "4"),
                *("--clips-per-shard", "3", "--shard", f"{part}/2", "--workers", "1"),
            ]
        )
        for part in (0, 1)
    ]
    assert [process.wait(timeout=60) for process in running] == [0, 0]
    extract(tmp_path / "one")
    assert content(tmp_path / "parts") == content(tmp_path / "one")


def test_a_ray_cluster_gives_the_same_store(extract: Extract, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="pip install 'ek100mqa[ray]'")
    extract(tmp_path / "one")
    extract(tmp_path / "ray", "--engine", "ray", "--workers", 2)
    assert content(tmp_path / "ray") == content(tmp_path / "one")


def test_a_killed_run_goes_on_where_it_was(
    extract: Extract, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    benchmark, videos = folders
    out = tmp_path / "killed"
    command = [
        *(sys.executable, "-m", "ek100mqa", "clips", "extract", str(benchmark)),
        *("--videos", str(videos), "--out", str(out), "--frames", "4", "--workers", "2"),
        *("--clips-per-shard", "3"),
    ]
    for pause in (0.8, 1.0, 1.2, 1.4):
        process = subprocess.Popen(command, start_new_session=True)
        time.sleep(pause)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    extract(out)
    extract(tmp_path / "whole")
    assert content(out) == content(tmp_path / "whole")
    assert verify_store(out) == []


def test_other_settings_are_refused(extract: Extract, tmp_path: Path) -> None:
    extract(tmp_path / "frames")
    message = extract(tmp_path / "frames", "--short-side", 64, "--quality", 80, code=2)
    assert "short_side None there, 64 asked" in message and "quality 90 there" in message
    (tmp_path / "other").mkdir()
    (tmp_path / "other/file").write_text("mine")
    assert "choose an empty or new folder" in extract(tmp_path / "other", code=2)


def test_clips_without_video_are_named_and_tried_again_when_asked(
    extract: Extract, folders: tuple[Path, Path], tmp_path: Path, run: Run
) -> None:
    videos = folders[1]
    empty = tmp_path / "videos"
    empty.mkdir()
    out = tmp_path / "frames"
    assert "14 clips have no frames" in extract(out, "--videos", empty, code=1)
    verified = run("verify", out)
    assert verified.exit_code == 1 and "no video of P04_01_0" in verified.output
    assert FrameStore(out)["P04_01_0"].frames == []
    shutil.copytree(videos, empty, dirs_exist_ok=True)
    assert "14 clips have no frames" in extract(out, "--videos", empty, code=1)
    assert "5 shards made" in extract(out, "--videos", empty, "--retry-errors")
    assert run("verify", out).exit_code == 0


def test_datasets_reads_it(extract: Extract, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    extract(tmp_path / "frames")
    loaded = datasets.load_dataset(str(tmp_path / "frames"), cache_dir=str(tmp_path / "hf"))
    assert len(loaded["train"]) == 14
    assert len(loaded["train"][0]["frames"]) == 4


def test_verify_finds_damage(extract: Extract, run: Run, tmp_path: Path) -> None:
    out = tmp_path / "frames"
    extract(out)
    assert run("verify", out).exit_code == 0
    shards = sorted(out.glob("*.parquet"))
    shards[0].write_bytes(b"PAR1")
    shards[1].unlink()
    middle = bytearray(shards[2].read_bytes())
    middle[len(middle) // 3 : len(middle) // 3 + 200] = bytes(200)
    shards[2].write_bytes(middle)
    assert len(verify_store(out)) >= 2
    assert run("verify", out).exit_code == 1
    (out / NAME).write_text(json.dumps({"format": "ek100mqa.frames/9"}))
    assert "this version reads" in run("verify", out).output


@pytest.mark.parametrize("part", ["2/2", "x/2", "1", "-1/2", "1/0"])
def test_a_part_that_is_none_is_refused(extract: Extract, tmp_path: Path, part: str) -> None:
    assert "expected i/n" in extract(tmp_path / "frames", "--shard", part, code=2)


def test_a_folder_that_is_no_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Ek100Error, match="ek100mqa clips extract"):
        FrameStore(tmp_path)
