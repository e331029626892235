"""Distractors drawn from all action classes, each with the same chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

from ek100mqa.schema import Action, Segment
from ek100mqa.seeds import below


class RandomDistractors:
    """Classes drawn uniformly and without replacement (paper section 3.1.1, equation 2)."""

    def __init__(self, classes: Sequence[Action], seed: int) -> None:
        self._classes = tuple(classes)
        self._seed = seed

    def candidates(self, segment: Segment) -> Iterator[Action]:
        drawn: set[int] = set()
        n = len(self._classes)
        for attempt in count():
            if len(drawn) == n:
                return
            purpose = f"random distractor {attempt}"
            index = below(n, self._seed, segment.narration_id, purpose)
            if index not in drawn:
                drawn.add(index)
                yield self._classes[index]

    def rank(self, segment: Segment) -> None:
        return None
