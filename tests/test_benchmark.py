"""The benchmark folder: written whole, read by others, checked."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ek100mqa import benchmark, manifest, shards, staging
from ek100mqa.errors import Ek100Error
from ek100mqa.verify import verify
from tests.conftest import Run

Builder = Callable[..., Path]
CONFIG = "tim-k5-narration"


def files(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
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


class BrokenError(Exception):
    """Stands for anything that may happen in the middle."""


@pytest.mark.parametrize(
    "failure", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt(), BrokenError()]
)
@pytest.mark.parametrize("at", range(7))
def test_a_failure_at_any_rename_leaves_the_folder_as_it_was(
    tmp_path: Path, failure: BaseException, at: int
) -> None:
    folder = tmp_path / "folder"
    (folder / "config").mkdir(parents=True)
    for name in ("manifest.json", "config/a", "config/b"):
        (folder / name).write_text(f"old {name}")
    before = files(folder)
    calls = 0

    def swap(source: Path, target: Path) -> None:
        nonlocal calls
        if calls == at:
            raise failure
        calls += 1
        os.replace(source, target)

    expected = Ek100Error if isinstance(failure, OSError) else type(failure)
    with (
        pytest.raises(expected),
        staging.changed_at_once(folder, remove=[folder / "config/b"], swap=swap) as new,
    ):
        (new / "config").mkdir()
        (new / "other").mkdir()
        for name in ("manifest.json", "config/a", "config/c", "other/d"):
            (new / name).write_text("new")
    assert files(folder) == before
    assert sorted(p.name for p in folder.iterdir()) == ["config", "manifest.json"]


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
            assert files(folder) == good
    if stop == signal.SIGINT:
        assert not list(folder.glob(".partial-*"))
    build("--force")
    assert verify(folder) == []


def rewrite(folder: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Change the shard and the manifest's word on the file, but not on the questions."""
    entries = manifest.read(folder)
    path = folder / entries[CONFIG]["validation"].files[0].path
    pq.write_table(change(pq.read_table(path)), path)
    content = json.loads((folder / manifest.NAME).read_text())
    file = content["configs"][CONFIG]["validation"]["files"][0]
    file.update(bytes=path.stat().st_size, sha256=manifest.sha256_of(path))
    (folder / manifest.NAME).write_text(json.dumps(content))


def column(name: str, index: int, value: Any) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        values = table.column(name).to_pylist()
        values[index] = value(values[index]) if callable(value) else value
        field = table.schema.field(name)
        return table.set_column(
            table.schema.get_field_index(name), field, pa.array(values, field.type)
        )

    return change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (column("answer", 3, lambda a: (a + 1) % 5), "the answer is of class"),
        (column("answer", 3, None), "no answer; expected the truth"),
        (column("answer", 3, 7), "answer 7; expected 0 to 4"),
        (column("choices", 3, lambda c: [c[1].upper() + "!", *c[1:]]), "the same text"),
        (column("choices", 3, lambda c: c[:4]), "4 options; expected 5"),
        (column("narration", 3, "something else"), "is not the clip's narration"),
        (column("choice_nouns", 3, lambda n: [n[1]] * 5), "an action class"),
        (column("stop_s", 3, 0.0), "a clip from"),
        (column("question_id", 3, lambda _: "P01_11_0"), "stand twice: P01_11_0"),
        (column("question_id", 3, lambda _: "../../x"), "unlike EPIC's narration ids"),
        (column("prior_offsets_s", 3, lambda _: [1.0, -2.0]), ""),
        (lambda t: t.slice(1), "the manifest says 120"),
        (lambda t: t.slice(0, 0), "0 questions"),
        (lambda t: t.drop_columns(["answer"]), "its columns are not those of this format"),
        (lambda t: t.take(list(reversed(range(120)))), "not in order of their ids"),
    ],
)
def test_verify_finds_a_broken_question(
    build: Builder, change: Callable[[pa.Table], pa.Table], expected: str
) -> None:
    folder = build()
    rewrite(folder, change)
    problems = verify(folder)
    assert problems
    assert any(expected in problem.message for problem in problems)


def spoil_bytes(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


SHARD = f"{CONFIG}/validation-00000-of-00001.parquet"


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda f: spoil_bytes(f / SHARD), "SHA-256"),
        (lambda f: (f / SHARD).write_bytes(b"PAR1"), "4 bytes; the manifest says"),
        (lambda f: (f / SHARD).unlink(), "missing"),
        (lambda f: (f / CONFIG / "validation-1.parquet").write_bytes(b""), "not in the manifest"),
        (lambda f: (f / "README.md").unlink(), "not readable as a dataset card"),
        (lambda f: (f / "README.md").write_text("# hello"), "its YAML does not name"),
    ],
)
def test_verify_finds_damaged_files(
    build: Builder, run: Run, damage: Callable[[Path], Any], expected: str
) -> None:
    folder = build()
    damage(folder)
    result = run("verify", folder)
    assert result.exit_code == 1
    assert expected in result.output


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"format": "ek100mqa.benchmark/2"}', "this version reads 'ek100mqa.benchmark/1'"),
        ("[]", "its format is None"),
        ("{", "not readable as JSON"),
        ('{"format": "ek100mqa.benchmark/1", "configs": {"x": {"y": {}}}}', "not a manifest"),
    ],
)
def test_a_manifest_that_is_not_ours_is_refused(
    build: Builder, run: Run, text: str, expected: str
) -> None:
    folder = build()
    (folder / manifest.NAME).write_text(text)
    result = run("verify", folder)
    assert result.exit_code == 2 and expected in result.output


def test_a_manifest_that_leaves_its_folder_is_refused(build: Builder) -> None:
    folder = build()
    path = folder / manifest.NAME
    path.write_text(path.read_text().replace(SHARD, f"../{SHARD}"))
    with pytest.raises(Ek100Error, match="leaves the benchmark folder"):
        manifest.read(folder)


def test_a_rebuild_from_other_files_is_told_apart(
    build: Builder, run: Run, kitchen_folder: Path
) -> None:
    folder = build()
    where = ("--annotations", kitchen_folder / "annotations", "--rebuild", "--scores")
    assert (
        run("verify", folder, *where, kitchen_folder / "scores/tim_validation.pkl").exit_code == 0
    )
    other = run("verify", folder, *where, kitchen_folder / "scores/avion_validation.pkl")
    assert other.exit_code == 1 and "built from other files" in other.output
