"""The benchmark folder: written whole, read by others, checked."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from ek100mqa import benchmark, manifest, shards, staging
from ek100mqa.verify import verify
from tests.conftest import Run

Builder = Callable[..., Path]
CONFIG = "tim-k5-narration"


def files(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name != staging.LOCK
    }


def test_two_builds_into_one_folder_give_two_configs(build: Builder) -> None:
    folder = build()
    first = files(folder)[f"{CONFIG}/validation-00000-of-00001.parquet"]
    build("--text", "official-key", "--k", 4)
    build("--exclude-concurrent")
    assert list(manifest.read(folder)) == [
        "tim-k4-official-key",
        "tim-k5-narration",
        "tim-k5-narration-no-concurrent",
    ]
    assert files(folder)[f"{CONFIG}/validation-00000-of-00001.parquet"] == first
    assert verify(folder) == []


def test_the_same_config_again_needs_force(build: Builder, run: Run, kitchen_folder: Path) -> None:
    folder = build("--rows-per-shard", 50)
    assert len(list((folder / CONFIG).iterdir())) == 3
    before = files(folder)
    again = (
        *("build", "--distractor", "tim", "--out", folder),
        *("--annotations", kitchen_folder / "annotations"),
        *("--scores", kitchen_folder / "scores/tim_validation.pkl"),
    )
    refused = run(*again)
    assert refused.exit_code == 2 and "--force" in refused.output
    assert files(folder) == before
    assert run(*again, "--force", "--seed", 4).exit_code == 0
    assert len(list((folder / CONFIG).iterdir())) == 1
    assert verify(folder) == []


def test_shards_do_not_change_the_questions(build: Builder, tmp_path: Path) -> None:
    one, many = build(out=tmp_path / "one"), build("--rows-per-shard", 7, out=tmp_path / "many")
    a, b = (benchmark.matching(folder)[0] for folder in (one, many))
    assert (len(a.files), len(b.files)) == (1, 18)
    assert a.fingerprint == b.fingerprint
    assert benchmark.questions(one, a) == benchmark.questions(many, b)


def test_a_folder_of_somebody_else_is_left_alone(
    run: Run, tmp_path: Path, kitchen_folder: Path
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "README.md").write_text("my notes")
    result = run(
        *("build", "--distractor", "random", "--out", mine),
        *("--annotations", kitchen_folder / "annotations"),
    )
    assert result.exit_code == 2 and "not a benchmark folder" in result.output
    assert files(mine) == {"README.md": b"my notes"}


def test_datasets_and_pandas_read_it(build: Builder, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    folder = build()
    build("--text", "official-key", "--truth", "as-ranked")
    entry = benchmark.matching(folder, CONFIG)[0]
    mine = benchmark.questions(folder, entry)
    loaded = datasets.load_dataset(
        str(folder), CONFIG, split="validation", cache_dir=str(tmp_path / "hf")
    )
    assert loaded.column_names == shards.SCHEMA.names
    assert [row["choices"][row["answer"]] for row in loaded] == [q.narration for q in mine]
    ranked = "tim-k5-official-key-as-ranked"
    other = datasets.load_dataset(
        str(folder), ranked, split="validation", cache_dir=str(tmp_path / "hf")
    )
    assert None in other["answer"]
    frame = pd.read_parquet(folder / CONFIG)
    assert frame.question_id.tolist() == [q.question_id for q in mine]
    assert frame.choices[0].tolist() == list(mine[0].choices)


def test_the_fingerprint_names_the_questions_and_not_their_file(build: Builder) -> None:
    folder = build()
    entry = benchmark.matching(folder)[0]
    questions = benchmark.questions(folder, entry)
    assert manifest.fingerprint(reversed(questions)) == entry.fingerprint
    moved = questions[0]._replace(answer=(questions[0].answer or 0) ^ 1)
    assert manifest.fingerprint([moved, *questions[1:]]) != entry.fingerprint


def test_the_card_is_a_valid_dataset_card(build: Builder) -> None:
    from huggingface_hub import DatasetCard

    folder = build()
    build(distractor="random")
    card = DatasetCard.load(folder / "README.md")
    assert card.data.license == "cc-by-nc-4.0"
    assert [config["config_name"] for config in card.data.configs] == [
        "random-k5-narration",
        CONFIG,
    ]
    assert benchmark.matching(folder, CONFIG)[0].fingerprint in card.text
    assert "differ from those EPIC-KITCHENS published" in card.text


@pytest.mark.parametrize("caches", [1, 3])
def test_builds_at_once_into_one_folder_wait_for_each_other(
    kitchen_folder: Path, tmp_path: Path, caches: int
) -> None:
    folder = tmp_path / "together"
    running = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "ek100mqa", "build", "--distractor", "random"),
                *("--k", str(k), "--out", str(folder)),
                *("--annotations", str(kitchen_folder / "annotations")),
            ],
            env={**os.environ, "EK100_CACHE": str(tmp_path / f"cache {k % caches}")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for k in (3, 4, 5)
    ]
    for process in running:
        assert process.communicate()[1].count(b"\n") == 1  # the warning alone
        assert process.returncode == 0
    assert len(manifest.read(folder)) == 3
    assert verify(folder) == []


def test_a_full_disk_leaves_nothing_half_written(
    run: Run, kitchen_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    out = tmp_path / "benchmark"
    result = run(
        *("build", "--distractor", "random", "--out", out),
        *("--annotations", kitchen_folder / "annotations"),
    )
    assert result.exit_code == 2
    assert "No space left on device" in result.output and "Traceback" not in result.output
    assert not out.exists()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_a_build_stopped_at_any_moment_leaves_a_whole_folder(
    build: Builder, kitchen_folder: Path, stop: signal.Signals
) -> None:
    folder = build()
    good = files(folder)
    command = [
        *(sys.executable, "-m", "ek100mqa", "build", "--distractor", "tim", "--force"),
        *("--out", str(folder), "--annotations", str(kitchen_folder / "annotations")),
        *("--scores", str(kitchen_folder / "scores/tim_validation.pkl"), "--rows-per-shard", "1"),
    ]
    for pause in (0.3, 0.4, 0.5, 0.6):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(pause)
        process.send_signal(stop)
        _, errors = process.communicate(timeout=60)
        if process.returncode == 0:
            break
        assert b"Traceback" not in errors
        if stop == signal.SIGINT:
            # Stopped before the change, in the middle of it, or just after it stood.
            assert files(folder) == good or verify(folder) == []
    if stop == signal.SIGINT:
        assert not list(folder.glob(".partial-*"))
    build("--force")
    assert verify(folder) == []
