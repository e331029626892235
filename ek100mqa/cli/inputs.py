"""The files that a recipe needs, found and read; shared by `build` and `verify --rebuild`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import click

from ek100mqa import locate
from ek100mqa.annotations import Annotations, read_annotations
from ek100mqa.manifest import sha256_of
from ek100mqa.published import BLOB_IDS
from ek100mqa.schema import Distractors, Recipe
from ek100mqa.tables import InputFile


class Inputs(NamedTuple):
    annotations: Annotations
    distractors: Distractors
    files: list[dict[str, Any]]  #: as the manifest names them


def load_annotations(option: Path | None) -> Annotations:
    """Find and read the annotations; one warning line where they are not the published ones."""
    loaded = read_annotations(locate.annotations_folder(option))
    if changed := [file.name for file in loaded.files if file.published is False]:
        train, validation = len(loaded.train.actions), len(loaded.validation.actions)
        click.echo(
            f"Warning: {loaded.folder}: not as EPIC-KITCHENS published it: {', '.join(changed)} "
            f"({train:,} train and {validation:,} validation rows)",
            err=True,
        )
    return loaded


def gather(recipe: Recipe, annotations: Annotations, scores: Path | None) -> Inputs:
    """The distractors of a recipe and the list of every file that goes in."""
    files = [
        _annotation_file(role, file)
        for role, file in zip(
            ("train", "validation", "verb classes", "noun classes"),
            annotations.files,
            strict=True,
        )
    ]
    if recipe.distractor == "random":
        from distractors.random_actions import RandomDistractors

        random = RandomDistractors(annotations.action_classes, recipe.seed)
        return Inputs(annotations, random, files)
    from distractors.ranked import RankedDistractors, check_depth

    top, file = _top(recipe, annotations, scores)
    check_depth(top, recipe)
    return Inputs(
        annotations, RankedDistractors(top, annotations.split(recipe.split)), [*files, file]
    )


def _annotation_file(role: str, file: InputFile) -> dict[str, Any]:
    entry: dict[str, Any] = {"role": role, "name": file.name, "sha256": file.sha256}
    if file.name in BLOB_IDS:
        entry["published"] = file.published
    return entry


def _top(recipe: Recipe, annotations: Annotations, scores: Path | None) -> tuple[Any, dict]:  # type: ignore[type-arg]
    from distractors import topk
    from distractors.scores import check_fits, check_model_name, import_scores

    check_model_name(recipe.distractor, "--distractor")
    path = scores or locate.cached_scores(recipe.distractor, recipe.split)
    if topk.is_cached(path):
        top = topk.read(path)
        check_fits(path, top, annotations, recipe.distractor, recipe.split)
    else:
        top = import_scores(path, annotations, recipe.distractor, recipe.split).top
    source = top.source
    file = {
        "role": "scores",
        "name": path.name,
        "sha256": sha256_of(path),
        "model": source.model,
        "layout": source.layout,
        "depth": top.k,
        "source_name": source.file,
        "source_sha256": source.sha256,
    }
    return top, file
