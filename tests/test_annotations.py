"""EPIC's CSVs: what is read, what is refused, and with which words."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ek100mqa import published
from ek100mqa.annotations import Annotations, read_annotations
from ek100mqa.errors import Ek100Error
from ek100mqa.published import git_blob_id
from ek100mqa.schema import Action

VALIDATION = published.VALIDATION
Edit = Callable[[str], str]


@pytest.fixture
def folder(kitchen_folder: Path, tmp_path: Path) -> Path:
    """A copy of the toy kitchen's annotations to spoil."""
    shutil.copytree(kitchen_folder / "annotations", tmp_path / "annotations")
    return tmp_path / "annotations"


def edit_cell(path: Path, line: int, column: str, value: str) -> None:
    lines = path.read_text().splitlines()
    header, cells = lines[0].split(","), lines[line - 1].split(",")
    cells[header.index(column)] = value
    lines[line - 1] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n")


def refusal(folder: Path) -> str:
    with pytest.raises(Ek100Error) as error:
        read_annotations(folder)
    return str(error.value)


def test_segments_are_read_by_header_name(kitchen: Annotations) -> None:
    first = kitchen.split("validation")[0]
    assert (first.narration_id, first.participant_id, first.video_id) == (
        "P01_11_0",
        "P01",
        "P01_11",
    )
    assert 0 < first.start_s < first.stop_s
    assert first.action in kitchen.action_classes


def test_columns_may_stand_in_another_order(folder: Path, kitchen: Annotations) -> None:
    import pandas as pd

    path = folder / VALIDATION
    table = pd.read_csv(path, dtype=str)
    table[sorted(table.columns)].to_csv(path, index=False)
    assert read_annotations(folder).split("validation") == kitchen.split("validation")


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\n\n") + "\n",
    ],
    ids=["BOM", "Windows line ends", "both", "blank lines"],
)
def test_harmless_differences_are_read(folder: Path, kitchen: Annotations, edit: Edit) -> None:
    path = folder / VALIDATION
    path.write_bytes(edit(path.read_text()).encode())
    assert read_annotations(folder).split("validation") == kitchen.split("validation")


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("narration_id", "P01_11", "an id such as P01_11_0"),
        ("narration_id", "P01_12_3", "of the same video"),
        ("narration_id", "P01_11_0", "line 2 has it too"),
        ("participant_id", "../P01", "an id such as P01"),
        ("participant_id", "P1", "an id such as P01"),
        ("video_id", "../../etc/passwd", "an id such as P01_11"),
        ("video_id", "P01/P01_11", "an id such as P01_11"),
        ("video_id", "P02_11", "of the same participant"),
        ("video_id", "P01_１１", "an id such as P01_11"),
        ("start_timestamp", "12.5", "a time such as"),
        ("start_timestamp", "", "a time such as"),
        ("start_timestamp", "00:61:00.00", "a time such as"),
        ("stop_timestamp", "00:00:00.01", "a time after the start"),
        ("verb_class", "97", "a class of EPIC_100_verb_classes.csv"),
        ("verb_class", "-1", "a class of EPIC_100_verb_classes.csv"),
        ("verb_class", "1.0", "a class of EPIC_100_verb_classes.csv"),
        ("noun_class", "300", "a class of EPIC_100_noun_classes"),
        ("noun_class", "", "a class of EPIC_100_noun_classes"),
        ("narration", "take\x07plate", "one line of readable text"),
    ],
)
def test_a_bad_cell_is_named_by_file_line_and_value(
    folder: Path, column: str, value: str, expected: str
) -> None:
    edit_cell(folder / VALIDATION, 5, column, value)
    message = refusal(folder)
    assert f"{folder / VALIDATION}, line 5: {column} is " in message
    assert repr(value) in message
    assert expected in message


def test_the_line_is_right_after_blank_lines_and_quoted_line_ends(folder: Path) -> None:
    path = folder / VALIDATION
    edit_cell(path, 6, "noun_class", "999")
    lines = path.read_text().splitlines()
    lines[2] = lines[2].replace("['", "\"[\n'", 1).replace("']", "']\"", 1)
    path.write_text("\n\n" + "\n".join(lines))
    assert f"{path}, line 9: noun_class is '999'" in refusal(folder)


def test_a_missing_column_is_named(folder: Path) -> None:
    path = folder / VALIDATION
    path.write_text(path.read_text().replace("narration,", "words,", 1))
    assert "line 1: found the columns" in refusal(folder)
    assert "expected narration among them" in refusal(folder)


def test_a_row_with_a_cell_too_few_is_named(folder: Path) -> None:
    path = folder / VALIDATION
    lines = path.read_text().splitlines()
    lines[6] = lines[6].split(",", 1)[1]
    path.write_text("\n".join(lines))
    assert f"{path}, line 7: found 14 cells, expected 15" in refusal(folder)


def test_text_that_is_not_utf8_is_named_by_line_and_byte(folder: Path) -> None:
    path = folder / VALIDATION
    lines = path.read_bytes().split(b"\n")
    lines[3] += b"\xe9"
    path.write_bytes(b"\n".join(lines))
    assert f"{path}, line 4: byte 0xe9 is not UTF-8" in refusal(folder)


@pytest.mark.parametrize(("content", "expected"), [(b"", "is empty"), (b"\n \n", "expected")])
def test_an_empty_file_is_refused(folder: Path, content: bytes, expected: str) -> None:
    (folder / VALIDATION).write_bytes(content)
    assert expected in refusal(folder)


def test_a_header_alone_is_refused(folder: Path) -> None:
    path = folder / VALIDATION
    path.write_text(path.read_text().splitlines()[0] + "\n")
    assert "nothing below the header" in refusal(folder)


def test_an_unfinished_quote_is_refused(folder: Path) -> None:
    path = folder / VALIDATION
    path.write_text(path.read_text() + '"P01_11_99')
    assert str(path) in refusal(folder)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / published.TRAIN).unlink()
    assert (
        f"{folder}: no {published.TRAIN}; bring what is missing with: ek100mqa annotations fetch"
        in refusal(folder)
    )


def test_a_clip_in_both_splits_is_refused(folder: Path) -> None:
    shutil.copy(folder / VALIDATION, folder / published.TRAIN)
    assert "is in both" in refusal(folder)


def test_the_nouns_without_visor_do_as_well(folder: Path, kitchen: Annotations) -> None:
    (folder / published.NOUN_CLASSES_V2).unlink()
    assert read_annotations(folder).nouns == kitchen.nouns


def test_classes_are_numbered_as_text(kitchen: Annotations) -> None:
    names = [str(action) for action in kitchen.action_classes]
    assert names == sorted(names)
    assert names.index("0:10") < names.index("0:2")


def test_blob_ids_are_git_s() -> None:
    assert git_blob_id(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_epic_is_read_whole(epic: Annotations) -> None:
    assert len(epic.split("validation")) == 9668
    assert (len(epic.verbs), len(epic.nouns)) == (97, 305)
    assert epic.split("validation")[0].action == Action(0, 2)
    assert epic.files[1].published is True
