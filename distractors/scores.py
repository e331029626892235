"""Score files of AVION, TIM, EPIC C1 and LLaVAction -> cached top-k."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from distractors import topk
from distractors.layouts import Clips, Layout, Rankings, ScoreMatrix, read_layout
from distractors.topk import Source, TopK
from ek100mqa.annotations import Annotations
from ek100mqa.errors import Ek100Error
from ek100mqa.manifest import sha256_of
from ek100mqa.schema import Action, Segment, Split
from ek100mqa.tables import read_table

DEFAULT_DEPTH = 100
_MODEL_NAME = re.compile(r"[a-z0-9][a-z0-9._]*(?:-[a-z0-9._]+)*", re.ASCII)
_CHUNK = 512  # clips ranked at a time


@dataclass(frozen=True)
class Imported:
    """A top-k and how it fits the annotations."""

    top: TopK
    missing: tuple[str, ...]  #: clips of the split without scores
    top1: float  #: action accuracy on the annotations' labels
    top5: float


def check_model_name(name: str, option: str = "--model") -> str:
    """A recogniser's name becomes part of file and config names; `random` is taken."""
    if not _MODEL_NAME.fullmatch(name) or len(name) > 40 or name == "random":
        raise Ek100Error(
            f"{option} {name!r}: expected a name such as tim or my-model-v2: up to 40 lower-case "
            "letters, digits, '.', '_' and single '-'; 'random' is taken"
        )
    return name


def import_scores(
    path: Path,
    annotations: Annotations,
    model: str,
    split: Split,
    layout: Layout | None = None,
    depth: int = DEFAULT_DEPTH,
    action_classes: Path | None = None,
    allow_missing: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Imported:
    """Read a score file and keep the best `depth` classes of each clip.

    Raises `Ek100Error` where rows, columns, ids, labels or numbers do not fit the annotations.
    `allow_missing`: clips without scores are left out instead.
    """
    classes = annotations.action_classes
    if action_classes is not None:
        classes = _read_classes(action_classes, classes)
    clips = Clips(
        annotations.split(split),
        classes,
        verbs=_columns((action.verb for action in classes), annotations.verbs),
        nouns=_columns((action.noun for action in classes), annotations.nouns),
    )
    found, table = read_layout(path, clips, layout)
    if not len(table.narration_ids):
        raise Ek100Error(f"{path}: no clip in it; expected {len(clips.segments)}")
    known = {segment.narration_id: segment for segment in clips.segments}
    missing = _check_ids(path, table.narration_ids, known, split, annotations)
    if missing and not allow_missing:
        raise Ek100Error(
            f"{path}: {len(missing)} of {len(known)} clips of the {split} split have no scores, "
            f"the first {missing[0]!r}; expected all; --allow-missing leaves such clips out"
        )
    rows = np.argsort(np.array(table.narration_ids), kind="stable")
    ranks, scores = _rank(path, table, depth, progress)
    verbs = np.array([action.verb for action in classes], np.int16)
    nouns = np.array([action.noun for action in classes], np.int16)
    ids = tuple(table.narration_ids[i] for i in rows)
    top = TopK(
        Source(model, split, found, path.name, sha256_of(path), len(classes)),
        ids,
        verbs[ranks[rows]],
        nouns[ranks[rows]],
        None if scores is None else scores[rows],
    )
    truth = [known[name].action for name in ids]
    return Imported(top, tuple(missing), topk.accuracy(top, truth, 1), topk.accuracy(top, truth, 5))


def check_fits(path: Path, top: TopK, annotations: Annotations, model: str, split: Split) -> None:
    """Refuse cached scores of another model or split, or that the annotations do not fit."""
    if top.source.model != model:
        raise Ek100Error(
            f"{path}: scores of {top.source.model!r}; expected {model!r}; "
            f"use --distractor {top.source.model}, or import them under another name"
        )
    if top.source.split != split:
        raise Ek100Error(
            f"{path}: scores on the {top.source.split} split; expected {split}; "
            f"import those with: ek100mqa scores import FILE --model {top.source.model} "
            f"--split {split}"
        )
    known = {segment.narration_id: segment for segment in annotations.split(split)}
    _check_ids(path, top.narration_ids, known, split, annotations)
    in_use = np.zeros((1 << 10, 1 << 10), bool)
    in_use[tuple(np.array(annotations.action_classes).T)] = True
    for name, column in (("verb", top.verbs), ("noun", top.nouns)):
        if not 0 <= column.min() <= column.max() < 1 << 10:
            raise Ek100Error(
                f"{path}: ranks {name} classes from {column.min()} to {column.max()}; "
                "import the scores again with the annotations in use"
            )
    fits = in_use[top.verbs, top.nouns]
    if not fits.all():
        row, rank = np.argwhere(~fits)[0]
        action = Action(int(top.verbs[row, rank]), int(top.nouns[row, rank]))
        raise Ek100Error(
            f"{path}: ranks an action class that these annotations do not have, {action} for "
            f"{top.narration_ids[row]}; import the scores again with the annotations in use"
        )


def _columns(used: Iterable[int], named: Iterable[int]) -> range:
    """How many columns may stand for verbs or nouns: all in use, at most all that have a name
    (EPIC's 300 nouns, or 306 with VISOR's additions)."""
    return range(max(used) + 1, max(named) + 2)


def _rank(
    path: Path,
    table: ScoreMatrix | Rankings,
    depth: int,
    progress: Callable[[int, int], None],
) -> tuple[np.ndarray, np.ndarray | None]:
    """Best classes of each clip [n, k], and their scores [n, k] where there are any."""
    if isinstance(table, Rankings):
        return table.ranks[:, :depth], None
    n = len(table.narration_ids)
    ranks, scores = [], []
    for start in range(0, n, _CHUNK):
        part = table.rows(slice(start, start + _CHUNK))
        if not np.isfinite(part).all():
            row, column = map(int, np.argwhere(~np.isfinite(part))[0])
            raise Ek100Error(
                f"{path}: the score of clip {table.narration_ids[start + row]!r}, class column "
                f"{column}, is {part[row, column]}; expected a finite number"
            )
        columns = topk.best(part, depth)
        ranks.append(columns)
        scores.append(np.take_along_axis(part, columns, axis=1).astype(np.float32))
        progress(min(start + _CHUNK, n), n)
    return np.concatenate(ranks), np.concatenate(scores)


def _check_ids(
    path: Path,
    ids: Sequence[str],
    known: Mapping[str, Segment],
    split: Split,
    annotations: Annotations,
) -> list[str]:
    """Refuse unknown and repeated ids; return the clips that have no row."""
    unknown = [name for name in ids if name not in known]
    if unknown:
        other: Split = "train" if split == "validation" else "validation"
        elsewhere = annotations.columns(other).narration_ids
        hint = f"; it is a clip of {other}: use --split {other}" if unknown[0] in elsewhere else ""
        raise Ek100Error(
            f"{path}: {len(unknown)} narration ids are not in the {split} split, "
            f"the first {unknown[0]!r}{hint}"
        )
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            raise Ek100Error(f"{path}: narration id {name!r} stands twice; expected each once")
        seen.add(name)
    return [name for name in known if name not in seen]


def _read_classes(path: Path, known: Sequence[Action]) -> tuple[Action, ...]:
    """The action classes by column, from a CSV with id, verb and noun."""
    table = read_table(path, ("id", "verb", "noun"))
    classes: dict[int, Action] = {}
    in_use = set(known)
    for row, cells in table.rows():
        for column, cell in zip(("id", "verb", "noun"), cells, strict=True):
            if not (cell.isascii() and cell.isdigit() and len(cell) < 6):
                raise table.error(row, column, "a number")
        number, action = int(cells[0]), Action(int(cells[1]), int(cells[2]))
        if number in classes:
            raise table.error(row, "id", "each id once")
        if action not in in_use:
            raise table.error(
                row, "noun", f"an action class of train and validation; found {action}"
            )
        classes[number] = action
    if sorted(classes) != list(range(len(classes))) or len(set(classes.values())) != len(classes):
        raise Ek100Error(
            f"{path}: {len(classes)} classes; expected ids 0, 1, 2, … without gaps, each class once"
        )
    return tuple(classes[number] for number in range(len(classes)))
