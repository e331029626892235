"""`verify` finds whatever is wrong with a benchmark folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ek100mqa import manifest
from ek100mqa.errors import Ek100Error
from ek100mqa.verify import verify
from tests.conftest import Run

Builder = Callable[..., Path]
CONFIG = "tim-k5-narration"


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
        (column("prior_offsets_s", 5, lambda _: [1.0]), "lists of unequal length"),
        (column("choices", 3, lambda c: [None, *c[1:]]), "empty cells in choices"),
        (column("participant_id", 3, "P77"), "participant 'P77'"),
        (column("video_id", 3, "../x"), "of video '../x'"),
        (column("truth_rank", 3, -5), "the truth has rank -5"),
        (column("truth_rank", 3, None), "truths in the list"),
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
        ('{"format": "ek100mqa.benchmark/1", "configs": {}}', "names no config"),
        ("[" * 100_000, "not readable as JSON"),
    ],
)
def test_a_manifest_that_is_not_ours_is_refused(
    build: Builder, run: Run, text: str, expected: str
) -> None:
    folder = build()
    (folder / manifest.NAME).write_text(text)
    result = run("verify", folder)
    assert result.exit_code == 2 and expected in result.output


@pytest.mark.parametrize(
    ("old", "new"),
    [('"k": 5', '"k": "5"'), ('"rows": 120', '"rows": "120"'), ('"skipped": {}', '"skipped": []')],
)
def test_a_manifest_with_wrong_types_is_refused(
    build: Builder, run: Run, old: str, new: str
) -> None:
    folder = build()
    path = folder / manifest.NAME
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    result = run("verify", folder)
    assert result.exit_code == 2 and "not a manifest as this version writes it" in result.output


def test_verify_finds_a_concurrent_distractor_where_none_may_be(build: Builder) -> None:
    folder = build()
    path = folder / manifest.NAME
    name = "tim-k5-narration-no-concurrent"
    path.write_text(
        path.read_text()
        .replace('"exclude_concurrent": false', '"exclude_concurrent": true')
        .replace(CONFIG, name)
    )
    (folder / CONFIG).rename(folder / name)
    assert any("annotated over half of the clip" in p.message for p in verify(folder))


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
