"""The four layouts in which recognisers' scores come, recognised by content.

avion       pickle {'logits', 'probs', 'targets'}, rows in CSV order (AVION)
tim         pickle {'action', …, 'v_narration_ids'} with ids like `v_P01_11_0` (TIM)
epic-c1     pickle or .pt, a dict of arrays or a list of dicts: 'verb_output' [n, 97],
            'noun_output' [n, 300], 'narration_id' (EPIC's C1-Action-Recognition challenge)
llavaction  JSON {"<row in the CSV>": {"predictions": ["<verb>:<noun>", …best first]}}
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from distractors.pickles import load_pickle, load_torch
from ek100mqa.errors import Ek100Error
from ek100mqa.schema import Action, Segment

Layout = Literal["avion", "tim", "epic-c1", "llavaction"]
Array = npt.NDArray[Any]
_ACTION = re.compile(r"(\d{1,3}):(\d{1,3})", re.ASCII)


@dataclass(frozen=True)
class Clips:
    """What a score file must fit: the split's clips and the numbered action classes."""

    segments: Sequence[Segment]  #: in CSV order
    classes: Sequence[Action]  #: one per column of a score matrix
    verbs: range  #: how many columns verb scores may have
    nouns: range


@dataclass(frozen=True)
class ScoreMatrix:
    """Scores of every class for each clip."""

    narration_ids: Sequence[str]
    rows: Callable[[slice], Array]  #: a slice of the clips -> scores [n, n_classes]


@dataclass(frozen=True)
class Rankings:
    """Ranked classes of each clip, as indices into the classes: [n, k]."""

    narration_ids: Sequence[str]
    ranks: npt.NDArray[np.intp]


def read_layout(
    path: Path, clips: Clips, layout: Layout | None = None
) -> tuple[Layout, ScoreMatrix | Rankings]:
    """Read a score file; `layout` overrides what the content says."""
    content = _read(path)
    found = layout or recognise(path, content)
    parse: dict[Layout, Callable[[Path, Any, Clips], ScoreMatrix | Rankings]]
    parse = {"avion": _avion, "tim": _tim, "epic-c1": _c1, "llavaction": _llavaction}
    return found, parse[found](path, content, clips)


def _read(path: Path) -> Any:
    try:
        with open(path, "rb") as file:
            start = file.read(16)
    except OSError as error:
        raise Ek100Error(f"{path}: cannot be read ({error.strerror or error})") from error
    if start.startswith(b"PK") or start.startswith(b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9"):
        return load_torch(path)  # torch.save: a zip file, or its old magic number
    if start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        try:
            text = path.read_text(encoding="utf-8-sig")
            return json.loads(text, object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            raise Ek100Error(f"{path}: not readable as JSON ({error})") from error
    return load_pickle(path)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in an object")
    return found


def recognise(path: Path, content: Any) -> Layout:
    """Which layout the content has."""
    sample = content[0] if isinstance(content, list) and content else content
    keys = set(sample) if isinstance(sample, dict) else set()
    if keys >= {"verb_output", "noun_output"}:
        return "epic-c1"
    if keys >= {"action", "v_narration_ids"}:
        return "tim"
    if keys & {"logits", "probs"}:
        return "avion"
    if keys and all(isinstance(key, str) and key.isdigit() for key in keys):
        return "llavaction"
    held = f"keys {sorted(map(str, keys))[:8]}" if keys else f"a {type(content).__name__}"
    raise Ek100Error(
        f"{path}: no known layout of scores; found {held}. Known are AVION (logits, probs, "
        "targets), TIM (action, v_narration_ids), EPIC C1 (verb_output, noun_output, "
        "narration_id) and LLaVAction's JSON of row numbers; force one with --format"
    )


def _avion(path: Path, content: Any, clips: Clips) -> ScoreMatrix:
    has_logits = isinstance(content, dict) and "logits" in content
    scores = _matrix(path, content, "logits" if has_logits else "probs")
    _check_columns(path, scores, _exactly(len(clips.classes)), "action")
    if len(scores) != len(clips.segments):
        raise Ek100Error(
            f"{path}: {len(scores)} rows; expected {len(clips.segments)}, one for each row of the "
            "split's CSV; is it the right --split, and the right annotations?"
        )
    if "targets" in content:
        _check_targets(path, _array(path, content, "targets").reshape(-1), clips)
    ids = [segment.narration_id for segment in clips.segments]
    return ScoreMatrix(ids, lambda part: scores[part])


def _check_targets(path: Path, targets: Array, clips: Clips) -> None:
    """AVION's labels, as class numbers, are those of the annotations."""
    if len(targets) != len(clips.segments):
        raise Ek100Error(f"{path}: {len(targets)} targets; expected {len(clips.segments)}")
    index = {action: i for i, action in enumerate(clips.classes)}
    truth = np.array([index.get(segment.action, -1) for segment in clips.segments])
    wrong = np.flatnonzero(targets != truth)
    if len(wrong):
        row = int(wrong[0])
        segment, target = clips.segments[row], targets[row]
        known = np.issubdtype(targets.dtype, np.integer) and 0 <= target < len(clips.classes)
        raise Ek100Error(
            f"{path}: targets do not fit the annotations: row {row} ({segment.narration_id}) has "
            f"class {target} ({clips.classes[target] if known else 'unknown'}), the annotations "
            f"have class {truth[row]} ({segment.action}); {len(wrong)} rows differ. "
            "Is it the right --split? Other annotations number the classes otherwise"
        )


def _tim(path: Path, content: Any, clips: Clips) -> ScoreMatrix:
    scores = _matrix(path, content, "action")
    _check_columns(path, scores, _exactly(len(clips.classes)), "action")
    ids = [name.removeprefix("v_") for name in _names(path, content, "v_narration_ids")]
    _check_lengths(path, len(scores), len(ids))
    return ScoreMatrix(ids, lambda part: scores[part])


def _c1(path: Path, content: Any, clips: Clips) -> ScoreMatrix:
    if isinstance(content, list):
        fields = ("verb_output", "noun_output", "narration_id")
        try:
            content = {key: np.stack([np.asarray(row[key]) for row in content]) for key in fields}
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise Ek100Error(
                f"{path}: a list whose rows do not each have {', '.join(fields)} of one shape "
                f"({error})"
            ) from error
    verb_scores = _matrix(path, content, "verb_output")
    noun_scores = _matrix(path, content, "noun_output")
    _check_columns(path, verb_scores, clips.verbs, "verb")
    _check_columns(path, noun_scores, clips.nouns, "noun")
    ids = _names(path, content, "narration_id")
    _check_lengths(path, len(verb_scores), len(ids))
    _check_lengths(path, len(noun_scores), len(ids))
    verbs = np.array([action.verb for action in clips.classes])
    nouns = np.array([action.noun for action in clips.classes])

    for scores in (verb_scores, noun_scores):
        if not np.isfinite(scores).all():
            raise Ek100Error(f"{path}: a score is not finite; expected finite numbers")

    def product(part: slice) -> Array:
        verb, noun = _softmax(verb_scores[part]), _softmax(noun_scores[part])
        return verb[:, verbs] * noun[:, nouns]

    return ScoreMatrix(ids, product)


def _softmax(scores: Array) -> Array:
    """Row-wise, in double precision: [n, m] -> [n, m]."""
    shifted = scores.astype(np.float64) - scores.max(axis=1, keepdims=True)
    exponents = np.exp(shifted)
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True))


def _llavaction(path: Path, content: Any, clips: Clips) -> Rankings:
    index = {str(action): i for i, action in enumerate(clips.classes)}
    if not isinstance(content, dict) or not content:
        raise Ek100Error(f"{path}: expected a JSON object keyed by row number")
    ids: list[str] = []
    ranks: list[list[int]] = []
    length = None
    for key, value in content.items():
        if not re.fullmatch(r"[0-9]{1,9}", str(key)) or int(key) >= len(clips.segments):
            raise Ek100Error(
                f"{path}, key {key!r}: expected a row number from 0 to {len(clips.segments) - 1} "
                "of the split's CSV; is it the right --split?"
            )
        names = value.get("predictions") if isinstance(value, dict) else None
        if not isinstance(names, list) or not names:
            raise Ek100Error(f'{path}, key {key!r}: expected {{"predictions": ["verb:noun", …]}}')
        length = length or len(names)
        if len(names) != length:
            raise Ek100Error(
                f"{path}, key {key!r}: {len(names)} predictions; the rows before have {length}"
            )
        try:
            row = [index[name] for name in names]
        except (KeyError, TypeError):
            bad = next(name for name in names if not isinstance(name, str) or name not in index)
            shaped = isinstance(bad, str) and _ACTION.fullmatch(bad)
            raise Ek100Error(
                f"{path}, key {key!r}: {bad!r} is "
                + ("an unknown action class" if shaped else 'not of the form "verb:noun"')
                + f"; expected one of the {len(index)} of train and validation"
            ) from None
        if len(set(row)) != length:
            raise Ek100Error(f"{path}, key {key!r}: an action class stands twice")
        ids.append(clips.segments[int(key)].narration_id)
        ranks.append(row)
    return Rankings(ids, np.array(ranks, np.intp))


def _array(path: Path, content: Any, key: str) -> Array:
    value = content.get(key) if isinstance(content, dict) else None
    if value is None:
        raise Ek100Error(f"{path}: no {key!r}; found {_keys(content)}; is --format right?")
    try:
        return np.asarray(value)
    except (TypeError, ValueError) as error:
        raise Ek100Error(f"{path}: {key!r} is not an array ({error})") from error


def _matrix(path: Path, content: Any, key: str) -> Array:
    matrix = _array(path, content, key)
    if matrix.ndim != 2 or not np.issubdtype(matrix.dtype, np.floating):
        raise Ek100Error(
            f"{path}: {key!r} has shape {list(matrix.shape)} and type {matrix.dtype}; "
            "expected floating-point scores [clips, classes]"
        )
    return matrix


def _names(path: Path, content: Any, key: str) -> list[str]:
    names = _array(path, content, key).reshape(-1).tolist()
    if bad := [name for name in names if not isinstance(name, str)]:
        raise Ek100Error(f"{path}: {key!r} holds {bad[0]!r}; expected narration ids")
    return names


def _keys(content: Any) -> str:
    return f"keys {sorted(map(str, content))[:8]}" if isinstance(content, dict) else "no dict"


def _exactly(n: int) -> range:
    return range(n, n + 1)


def _check_columns(path: Path, scores: Array, expected: range, kind: str) -> None:
    if scores.shape[1] in expected:
        return
    least, most = expected[0], expected[-1]
    advice = (
        "; other annotations have another set of classes: use the full ones, "
        "or name the columns with --action-classes CSV"
    )
    raise Ek100Error(
        f"{path}: {scores.shape[1]} columns of {kind} scores; expected "
        f"{least if least == most else f'{least} to {most}'}, one for each {kind} class"
        f"{advice if kind == 'action' else ''}"
    )


def _check_lengths(path: Path, rows: int, ids: int) -> None:
    if rows != ids:
        raise Ek100Error(f"{path}: {rows} rows of scores and {ids} narration ids; expected as many")
