"""Distractors that a recogniser takes for the truth: its ranked classes, best first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from distractors.topk import TopK
from ek100mqa.errors import Ek100Error
from ek100mqa.schema import Action, Recipe, Segment


class RankedDistractors:
    """The classes in the recogniser's order (paper section 3.1.1, equations 4 and 5)."""

    def __init__(self, top: TopK) -> None:
        self._top = top
        self._rows = {name: row for row, name in enumerate(top.narration_ids)}
        self._codes = _code(top.verbs.astype(np.int32), top.nouns)

    def candidates(self, segment: Segment) -> Iterator[Action] | None:
        row = self._rows.get(segment.narration_id)
        if row is None:
            return None
        return map(Action, self._top.verbs[row].tolist(), self._top.nouns[row].tolist())

    def rank(self, segment: Segment) -> int | None:
        row = self._rows.get(segment.narration_id)
        if row is None:
            return None
        hits = (self._codes[row] == _code(*segment.action)).nonzero()[0]
        return int(hits[0]) if hits.size else None


def _code(verb: Any, noun: Any) -> Any:
    """One number for a verb class and a noun class."""
    return verb << 16 | noun


def check_depth(top: TopK, recipe: Recipe) -> None:
    """Refuse a top-k that is too short for the recipe."""
    if top.k < recipe.k:
        raise Ek100Error(
            f"--k {recipe.k}: the scores of {top.source.model} hold the best {top.k} classes of "
            f"each clip; use --k {top.k} or less, or import a file with more"
        )
