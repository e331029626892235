"""An action -> its text: an annotator's narration, or EPIC's official key."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from ek100mqa.schema import Action, Segment
from ek100mqa.seeds import below


@lru_cache(maxsize=1 << 18)
def fold(text: str) -> str:
    """The text without case, spaces, hyphens and punctuation: what two options may not share."""
    return "".join(char for char in text.casefold() if char.isalnum())


def noun_words(key: str) -> str:
    """EPIC's noun key as words: `board:chopping` -> `chopping board` (first part to the end)."""
    first, *rest = key.split(":")
    return " ".join([*rest, first])


class OfficialKeys:
    """Verb key as it is and noun key as words: `turn-on tap` (paper section 3.1.1)."""

    def __init__(self, verbs: Mapping[int, str], nouns: Mapping[int, str]) -> None:
        self._verbs = verbs
        self._nouns = {noun: noun_words(key) for noun, key in nouns.items()}

    def text(self, action: Action) -> str:
        return f"{self._verbs[action.verb]} {self._nouns[action.noun]}"

    def of_truth(self, segment: Segment) -> str:
        return self.text(segment.action)

    def of_other(self, action: Action, question_id: str) -> Iterator[str]:
        yield self.text(action)


class Narrations:
    """The clip's own narration for the truth; for another class, one of that class's narrations.

    Every annotated narration of the class weighs the same, so a frequent text is drawn often.
    """

    def __init__(self, narrated: Iterable[tuple[Action, str]], seed: int) -> None:
        counts: dict[Action, dict[str, int]] = defaultdict(dict)
        for (action, text), count in sorted(Counter(narrated).items()):
            if text:
                counts[action][text] = count
        self._pools = {action: _Pool.of(texts) for action, texts in counts.items()}
        self._seed = seed

    def of_truth(self, segment: Segment) -> str:
        return segment.narration

    def of_other(self, action: Action, question_id: str) -> Iterator[str]:
        """Narrations of `action`, drawn without replacement, weighted by how often each occurs."""
        pool = self._pools.get(action)
        purpose = f"narration {action.verb}:{action.noun}"
        while pool is not None:
            at = 0
            if len(pool.texts) > 1:
                total = pool.totals[-1]
                at = bisect_right(pool.totals, below(total, self._seed, question_id, purpose))
            yield pool.texts[at]
            pool = pool.without(at)
            purpose += " again"


class _Pool(NamedTuple):
    """The narrations of a class, and how many rows have this one or one before it."""

    texts: list[str]
    totals: list[int]

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> _Pool:
        return cls(list(counts), list(accumulate(counts.values())))

    def without(self, at: int) -> _Pool | None:
        counts = {
            text: total - before
            for text, total, before in zip(self.texts, self.totals, [0, *self.totals], strict=False)
        }
        del counts[self.texts[at]]
        return _Pool.of(counts) if counts else None
