"""A benchmark folder: add a config to it, read one from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from ek100mqa import __version__, card, manifest
from ek100mqa.build import Built
from ek100mqa.errors import Ek100Error
from ek100mqa.files import PARTIAL
from ek100mqa.manifest import Entry, ShardFile
from ek100mqa.schema import Question, Recipe
from ek100mqa.shards import read_shards, write_shards
from ek100mqa.staging import changed_at_once, locked


def prepare(folder: Path, recipe: Recipe, force: bool) -> None:
    """Before a build: put back what a killed one left, refuse what `check_free` refuses."""
    if folder.is_dir() and any(folder.glob(PARTIAL + "*")):
        with locked(folder):
            pass
    check_free(folder, recipe, force)


def check_free(folder: Path, recipe: Recipe, force: bool) -> None:
    """Refuse a folder that is somebody else's, and a config that is already there."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise Ek100Error(f"{folder}: a file; expected a folder; choose another with --out")
    if not (folder / manifest.NAME).exists():
        if any(path for path in folder.iterdir() if not path.name.startswith(".")):
            raise Ek100Error(
                f"{folder}: has files but no {manifest.NAME}, so it is not a benchmark folder; "
                "choose an empty or new one with --out"
            )
        return
    if recipe.split in manifest.read(folder).get(recipe.config, {}) and not force:
        raise Ek100Error(
            f"{folder}: config {recipe.config}, split {recipe.split} is already there; "
            "build it again with --force, or into another folder with --out"
        )


def add(
    folder: Path,
    recipe: Recipe,
    built: Built,
    inputs: Sequence[dict[str, Any]],
    rows_per_shard: int,
    force: bool = False,
) -> Entry:
    """Write a build into a benchmark folder, beside the configs that are there.

    Shards, manifest and card change in one step or not at all.
    """
    if not built.questions:
        reasons = ", ".join(f"{rows} {reason}" for reason, rows in built.skipped.items())
        raise Ek100Error(f"{recipe.config}: no question came out ({reasons}); nothing was written")
    with locked(folder):
        check_free(folder, recipe, force)
        entries: dict[str, dict[str, Entry]] = {}
        if (folder / manifest.NAME).exists():
            entries = manifest.read(folder)
        replaced = list((folder / recipe.config).glob(f"{recipe.split}-*.parquet"))
        with changed_at_once(folder, remove=replaced) as stage:
            (stage / recipe.config).mkdir()
            paths = write_shards(
                stage / recipe.config, recipe.split, built.questions, rows_per_shard
            )
            entry = Entry(
                recipe=recipe,
                inputs=tuple(inputs),
                counts=built.counts(),
                fingerprint=manifest.fingerprint(built.questions),
                files=tuple(
                    _shard_file(stage, path, built.questions, i * rows_per_shard, rows_per_shard)
                    for i, path in enumerate(paths)
                ),
                tool_version=__version__,
                pyarrow_version=pa.__version__,
            )
            entries.setdefault(recipe.config, {})[recipe.split] = entry
            (stage / manifest.NAME).write_text(manifest.dumps(entries), encoding="utf-8")
            (stage / card.NAME).write_text(card.render(entries), encoding="utf-8")
    return entry


def _shard_file(
    stage: Path, path: Path, questions: Sequence[Question], start: int, size: int
) -> ShardFile:
    rows = len(questions[start : start + size])
    name = path.relative_to(stage).as_posix()
    return ShardFile(name, rows, path.stat().st_size, manifest.sha256_of(path))


def matching(folder: Path, config: str | None = None, split: str | None = None) -> list[Entry]:
    """The entries of a folder with this config and split; an error that lists them if none."""
    entries = manifest.read(folder)
    listed = [(name, part, e) for name, splits in entries.items() for part, e in splits.items()]
    found = [e for name, part, e in listed if config in (None, name) and split in (None, part)]
    if not found:
        wanted = " ".join(filter(None, [config, split]))
        there = ", ".join(f"{name} ({part})" for name, part, _ in listed)
        raise Ek100Error(f"{folder}: no {wanted}; there are {there or 'no configs'}")
    return found


def one(folder: Path, config: str | None = None, split: str | None = None) -> Entry:
    """The one entry that is meant; an error that lists them where several are."""
    found = matching(folder, config, split)
    if len(found) > 1:
        there = ", ".join(f"{entry.recipe.config} ({entry.recipe.split})" for entry in found)
        raise Ek100Error(f"{folder}: which of {there}? name one with --config and --split")
    return found[0]


def questions(folder: Path, entry: Entry) -> list[Question]:
    """The questions of one config and split, in their order."""
    return read_shards(folder / file.path for file in entry.files)
