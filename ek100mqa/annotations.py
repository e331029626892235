"""EPIC-KITCHENS-100's annotation CSVs -> segments, action classes and class names.

Format: https://github.com/epic-kitchens/epic-kitchens-100-annotations
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ek100mqa import published
from ek100mqa.errors import Ek100Error
from ek100mqa.schema import Action, Segment, Split
from ek100mqa.tables import InputFile, Table, read_table

_NARRATION_ID = re.compile(r"P\d{2,3}_\d{2,3}_\d{1,6}", re.ASCII)
_TIMESTAMP = r"^(?P<h>\d{1,3}):(?P<m>[0-5]\d):(?P<s>[0-5]\d)(?:\.(?P<fraction>\d{1,3}))?$"
_SEGMENT_COLUMNS = (
    "narration_id",
    "participant_id",
    "video_id",
    "start_timestamp",
    "stop_timestamp",
    "narration",
    "verb_class",
    "noun_class",
)


@dataclass(frozen=True)
class SplitColumns:
    """The segments of one split as columns, in CSV order."""

    narration_ids: list[str]
    participant_ids: list[str]
    video_ids: list[str]
    start_ms: list[int]
    stop_ms: list[int]
    narrations: list[str]
    actions: list[Action]

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """The same as records."""
        return tuple(map(Segment, *(vars(self)[field.name] for field in fields(self))))


@dataclass(frozen=True)
class Annotations:
    """Everything that a build takes from one annotations folder."""

    folder: Path
    train: SplitColumns
    validation: SplitColumns
    verbs: dict[int, str]  #: verb class -> key, e.g. `turn-on`
    nouns: dict[int, str]  #: noun class -> key, e.g. `board:chopping`
    files: tuple[InputFile, ...]

    def columns(self, split: Split) -> SplitColumns:
        return self.train if split == "train" else self.validation

    def split(self, split: Split) -> tuple[Segment, ...]:
        """The segments of a split, in CSV order."""
        return self.columns(split).segments

    @cached_property
    def action_classes(self) -> tuple[Action, ...]:
        """The classes of train and validation, numbered as AVION and LLaVAction do: the
        strings `"verb:noun"` sorted as text. A score matrix has one column per class."""
        return tuple(sorted({*self.train.actions, *self.validation.actions}, key=str))


def read_annotations(folder: Path) -> Annotations:
    """Read an annotations folder; `Ek100Error` names file, line and value of what is wrong."""
    if not folder.is_dir():
        raise Ek100Error(f"{folder}: not a folder; expected one with {published.TRAIN}")
    noun_file = folder / published.NOUN_CLASSES_V2
    if not noun_file.exists():  # the same first 300 classes, without VISOR's additions
        noun_file = folder / published.NOUN_CLASSES
    needed = (published.TRAIN, published.VALIDATION, published.VERB_CLASSES, noun_file.name)
    if missing := [name for name in needed if not (folder / name).exists()]:
        raise Ek100Error(
            f"{folder}: no {', '.join(missing)}; bring what is missing with: "
            f"ek100mqa annotations fetch --out {folder}"
        )
    verbs, verb_file = _read_class_names(folder / published.VERB_CLASSES)
    nouns, noun_input = _read_class_names(noun_file)
    train, train_file = _read_segments(folder / published.TRAIN, verbs, nouns)
    validation, validation_file = _read_segments(folder / published.VALIDATION, verbs, nouns)
    if both := set(train.narration_ids).intersection(validation.narration_ids):
        raise Ek100Error(
            f"{folder}: narration id {min(both)!r} is in both {published.TRAIN} and "
            f"{published.VALIDATION}; expected each clip in one split"
        )
    files = (train_file, validation_file, verb_file, noun_input)
    return Annotations(folder, train, validation, verbs, nouns, files)


def is_narration_id(text: str) -> bool:
    """Whether a text is an id such as `P01_11_0`, safe to build file names from."""
    return _NARRATION_ID.fullmatch(text) is not None


def _read_class_names(path: Path) -> tuple[dict[int, str], InputFile]:
    table = read_table(path, ("id", "key"))
    names: dict[int, str] = {}
    for row, (number, key) in table.rows():
        if not number.isascii() or not number.isdigit() or len(number) > 4:
            raise table.error(row, "id", "a class number")
        if int(number) in names:
            raise table.error(row, "id", "each class once")
        if not key or not key.isprintable():
            raise table.error(row, "key", "a class name")
        names[int(number)] = key
    return names, table.file


def _read_segments(
    path: Path, verbs: dict[int, str], nouns: dict[int, str]
) -> tuple[SplitColumns, InputFile]:
    table = read_table(path, _SEGMENT_COLUMNS)
    columns = table.columns
    _check_ids(table)
    start = _milliseconds(table, "start_timestamp")
    stop = _milliseconds(table, "stop_timestamp")
    if (backwards := np.flatnonzero(stop <= start)).size:
        raise table.error(int(backwards[0]), "stop_timestamp", "a time after the start")
    verb = _classes(table, "verb_class", verbs, published.VERB_CLASSES)
    noun = _classes(table, "noun_class", nouns, published.NOUN_CLASSES)
    narration = columns["narration"]
    table.require("narration", pc.utf8_is_printable(narration), "one line of readable text")
    split = SplitColumns(
        narration_ids=columns["narration_id"].to_pylist(),
        participant_ids=columns["participant_id"].to_pylist(),
        video_ids=columns["video_id"].to_pylist(),
        start_ms=start.tolist(),
        stop_ms=stop.tolist(),
        narrations=pc.utf8_trim_whitespace(narration).to_pylist(),
        actions=list(map(Action, verb, noun)),
    )
    return split, table.file


def _check_ids(table: Table) -> None:
    """File names are built from these ids, so nothing else than their form is let in."""
    names = table.columns["narration_id"]
    participant, video = table.columns["participant_id"], table.columns["video_id"]
    table.require(
        "participant_id", pc.match_substring_regex(participant, r"^P\d{2,3}$"), "an id such as P01"
    )
    parts = pc.extract_regex(video, r"^(?P<participant>P\d{2,3})_\d{2,3}$")
    table.require(
        "video_id",
        pc.equal(pc.struct_field(parts, "participant"), participant),
        "an id such as P01_11, of the same participant",
    )
    parts = pc.extract_regex(names, r"^(?P<video>P\d{2,3}_\d{2,3})_\d{1,6}$")
    table.require(
        "narration_id",
        pc.equal(pc.struct_field(parts, "video"), video),
        "an id such as P01_11_0, of the same video",
    )
    if pc.count_distinct(names).as_py() < len(names):
        seen: dict[str, int] = {}
        for row, name in enumerate(names.to_pylist()):
            if name in seen:
                raise table.error(
                    row, "narration_id", f"each id once; line {table.line(seen[name])} has it too"
                )
            seen[name] = row


def _classes(table: Table, column: str, known: dict[int, str], file: str) -> list[int]:
    numbers = {str(number): number for number in known}
    texts = table.columns[column].to_pylist()
    try:
        return [numbers[text] for text in texts]
    except KeyError as error:
        raise table.error(texts.index(error.args[0]), column, f"a class of {file}") from None


def _milliseconds(table: Table, column: str) -> npt.NDArray[np.int64]:
    """`00:01:02.34` -> 62340; shape [n_segments]."""
    parts = pc.extract_regex(table.columns[column], _TIMESTAMP)
    table.require(column, pc.is_valid(parts), "a time such as 00:01:02.34")
    fraction = pc.utf8_rpad(pc.struct_field(parts, "fraction"), 3, "0")
    hours, minutes, seconds = (_integers(pc.struct_field(parts, name)) for name in "hms")
    return (hours * 3600 + minutes * 60 + seconds) * 1000 + _integers(fraction)


def _integers(texts: pa.Array) -> npt.NDArray[np.int64]:
    # Not to_numpy(), which imports pandas (a quarter of a second).
    return np.frombuffer(pc.cast(texts, pa.int64()).buffers()[1], np.int64)[: len(texts)]
