"""manifest.json: what went into each config and split, and what came out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ek100mqa.errors import Ek100Error
from ek100mqa.schema import Question, Recipe

FORMAT = "ek100mqa.benchmark/1"
NAME = "manifest.json"


@dataclass(frozen=True)
class ShardFile:
    """One Parquet file of a config and split."""

    path: str  #: relative to the benchmark folder, with `/`
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Entry:
    """One config and split of a benchmark folder."""

    recipe: Recipe
    inputs: tuple[dict[str, Any], ...]  #: role, file name, SHA-256 and more of each input
    counts: dict[str, Any]
    fingerprint: str
    files: tuple[ShardFile, ...]
    tool_version: str
    pyarrow_version: str

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode

#: config -> split -> entry, both sorted by name
Manifest = Mapping[str, Mapping[str, Entry]]


def fingerprint(questions: Iterable[Question]) -> str:
    """SHA-256 over the sorted (question_id, choices, answer), one JSON array a line in UTF-8.

    It names the questions and not their file, so that another Parquet writer leaves it alone.
    """
    digest = hashlib.sha256()
    for question in sorted(questions, key=lambda q: q.question_id):
        line = [question.question_id, question.choices, question.answer]
        digest.update(_encode(line).encode() + b"\n")
    return digest.hexdigest()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    except OSError as error:
        raise Ek100Error(f"{path}: cannot be read ({error.strerror or error})") from error
    return digest.hexdigest()


def dumps(manifest: Manifest) -> str:
    """The manifest as text, the same for the same content."""
    configs = {
        config: {split: asdict(entry) for split, entry in sorted(splits.items())}
        for config, splits in sorted(manifest.items())
    }
    return json.dumps({"format": FORMAT, "configs": configs}, indent=2, ensure_ascii=False) + "\n"


def read(folder: Path) -> dict[str, dict[str, Entry]]:
    """Read a folder's manifest; `Ek100Error` where there is none or it is of another version."""
    path = folder / NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise Ek100Error(
            f"{folder}: no {NAME}, so it is not a benchmark folder; "
            "make one with: ek100mqa build --distractor tim --k 5"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise Ek100Error(f"{path}: not readable as JSON ({error})") from error
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        raise Ek100Error(
            f"{path}: its format is {found!r}; this version reads {FORMAT!r}; "
            "use the version of ek100mqa that wrote it, or a newer one"
        )
    try:
        entries = {
            config: {split: _entry(entry) for split, entry in splits.items()}
            for config, splits in content["configs"].items()
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Ek100Error(f"{path}: not a manifest as this version writes it ({error!r})") from error
    if not any(entries.values()):
        raise Ek100Error(f"{path}: names no config; build one")
    for splits in entries.values():
        for file in (file for entry in splits.values() for file in entry.files):
            if PurePosixPath(file.path).is_absolute() or ".." in PurePosixPath(file.path).parts:
                raise Ek100Error(f"{path}: names {file.path!r}, which leaves the benchmark folder")
    return entries


def _entry(content: dict[str, Any]) -> Entry:
    recipe = dict(content["recipe"])
    if recipe["participants"] is not None:
        recipe["participants"] = tuple(recipe["participants"])
    _check_types(recipe, distractor=str, k=int, text=str, truth=str, split=str, seed=int)
    _check_types(content, fingerprint=str, tool_version=str, pyarrow_version=str, counts=dict)
    counts = content["counts"]
    _check_types(counts, rows=int, questions=int, skipped=dict, clashes=dict)
    for number in (*counts["skipped"].values(), *counts["clashes"].values()):
        _check_types({"count": number}, count=int)
    for file in content["files"]:
        _check_types(file, path=str, rows=int, bytes=int, sha256=str)
    for file in content["inputs"]:
        _check_types(file, role=str, name=str, sha256=str)
    if not content["files"] or not content["inputs"] or not 2 <= recipe["k"] <= 26:
        raise ValueError("no files, no inputs, or a K that is not 2 to 26")
    return Entry(
        recipe=Recipe(**recipe),
        inputs=tuple(content["inputs"]),
        counts=counts,
        fingerprint=content["fingerprint"],
        files=tuple(ShardFile(**file) for file in content["files"]),
        tool_version=content["tool_version"],
        pyarrow_version=content["pyarrow_version"],
    )


def _check_types(found: dict[str, Any], **expected: type) -> None:
    for name, kind in expected.items():
        if type(found[name]) is not kind:
            raise TypeError(f"{name} is {found[name]!r}")
