"""The records everything else is made of, and the protocols between the folders.

Named tuples, since a split has up to 67,217 of each and they are made and read in bulk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

Split = Literal["train", "validation"]
TextKind = Literal["narration", "official-key"]
Truth = Literal["included", "as-ranked"]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Action(NamedTuple):
    """An action class of EPIC-KITCHENS-100: a verb class and a noun class."""

    verb: int
    noun: int

    def __str__(self) -> str:
        """`"verb:noun"`, the text by which AVION and LLaVAction sort and number the classes."""
        return f"{self.verb}:{self.noun}"


class Segment(NamedTuple):
    """One annotated action: a row of EPIC_100_train.csv or EPIC_100_validation.csv."""

    narration_id: str  #: e.g. `P01_11_0`; unique
    participant_id: str
    video_id: str
    start_ms: int  #: milliseconds from the start of the video
    stop_ms: int
    narration: str  #: the annotator's own words
    action: Action

    @property
    def start_s(self) -> float:
        return self.start_ms / 1000

    @property
    def stop_s(self) -> float:
        return self.stop_ms / 1000


class Prior(NamedTuple):
    """An action shortly before a clip (paper section 3.2, memory)."""

    narration: str
    offset_s: float  #: from its start to the start of the clip


class Question(NamedTuple):
    """One multiple-choice question; a row of the benchmark."""

    question_id: str
    participant_id: str
    video_id: str
    start_s: float
    stop_s: float
    choices: tuple[str, ...]
    choice_actions: tuple[Action, ...]
    answer: int | None  #: index into choices; None where the truth is not among them
    narration: str
    action: Action
    truth_rank: int | None  #: 0-based rank of the truth in the recogniser's list
    concurrent: tuple[bool, ...]
    priors: tuple[Prior, ...]

    @property
    def letters(self) -> str:
        """The letters of the options, e.g. `ABCDE`."""
        return LETTERS[: len(self.choices)]


class Problem(NamedTuple):
    """Something a check found."""

    where: str
    message: str


@dataclass(frozen=True)
class Recipe:
    """Everything that decides which questions a build makes, beside its input files."""

    distractor: str
    k: int = 5
    text: TextKind = "narration"
    truth: Truth = "included"
    split: Split = "validation"
    seed: int = 0
    participants: tuple[str, ...] | None = None
    limit: int | None = None
    exclude_concurrent: bool = False

    @property
    def config(self) -> str:
        """The config's name, e.g. `tim-k5-narration` or `tim-k20-official-key-as-ranked`."""
        name = f"{self.distractor}-k{self.k}-{self.text}"
        if self.truth == "as-ranked":
            name += "-as-ranked"
        if self.exclude_concurrent:
            name += "-no-concurrent"
        return name


class Distractors(Protocol):
    """Where wrong options come from: an order of action classes for each clip."""

    def candidates(self, segment: Segment) -> Iterator[Action] | None:
        """Action classes to take options from, best first, each once; None without any scores.

        The true class may be among them.
        """

    def rank(self, segment: Segment) -> int | None:
        """0-based place of the true class in the recogniser's list; None where it is not in it."""


class Wording(Protocol):
    """How an action is written as an option."""

    def of_truth(self, segment: Segment) -> str:
        """The text of the clip's own action."""

    def of_other(self, action: Action, question_id: str) -> Iterator[str]:
        """Texts for another action, the preferred one first."""
