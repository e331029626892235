"""Distractors that a recogniser takes for the truth: its ranked classes, best first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from distractors.topk import TopK
from ek100mqa.errors import Ek100Error
from ek100mqa.schema import Action, Recipe, Segment


class RankedDistractors:
    """The classes in the recogniser's order (paper section 3.1.1, equations 4 and 5)."""

    def __init__(self, top: TopK, segments: Iterable[Segment]) -> None:
        self._top = top
        self._rows = {name: row for row, name in enumerate(top.narration_ids)}
        truth = np.full((len(self._rows), 2), -1)
        for segment in segments:
            if segment.narration_id in self._rows:
                truth[self._rows[segment.narration_id]] = segment.action
        hits = (top.verbs == truth[:, :1]) & (top.nouns == truth[:, 1:])
        self._ranks = np.where(hits.any(axis=1), hits.argmax(axis=1), -1).tolist()

    def candidates(self, segment: Segment) -> Iterator[Action] | None:
        row = self._rows.get(segment.narration_id)
        if row is None:
            return None
        return map(Action, self._top.verbs[row].tolist(), self._top.nouns[row].tolist())

    def rank(self, segment: Segment) -> int | None:
        row = self._rows.get(segment.narration_id)
        return None if row is None or self._ranks[row] < 0 else self._ranks[row]


def check_depth(top: TopK, recipe: Recipe) -> None:
    """Refuse a top-k that is too short for the recipe."""
    if top.k < recipe.k:
        raise Ek100Error(
            f"--k {recipe.k}: the scores of {top.source.model} hold the best {top.k} classes of "
            f"each clip; use --k {top.k} or less, or import a file with more"
        )
