"""The build loop: every row of a split becomes a question or is counted under a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain

from ek100mqa.annotations import Annotations
from ek100mqa.errors import Ek100Error
from ek100mqa.neighbours import by_video, concurrent_actions, narration_order, prior_actions
from ek100mqa.questions import choose_options, make_question
from ek100mqa.schema import Distractors, Question, Recipe, Segment, Wording
from ek100mqa.wording import Narrations, OfficialKeys

OTHER_PARTICIPANT = "participant not asked for"
BEYOND_LIMIT = "beyond the limit"
NO_NARRATION = "empty narration"
NO_SCORES = "no scores for the clip"
TOO_FEW = "fewer than K options with different texts"


@dataclass(frozen=True)
class Built:
    """What a build made, and what became of every row."""

    questions: list[Question]
    rows: int
    skipped: dict[str, int]  #: reason -> rows
    clashes: dict[str, int]  #: how clashes of option texts were solved
    truth_listed: int | None  #: questions whose truth is in the recogniser's list

    def counts(self) -> dict[str, object]:
        """The counts as the manifest keeps them."""
        return {
            "rows": self.rows,
            "questions": len(self.questions),
            "skipped": self.skipped,
            "clashes": self.clashes,
            "truth_in_list": self.truth_listed,
        }


def check_recipe(recipe: Recipe, annotations: Annotations) -> None:
    """Refuse a recipe that asks for what cannot be."""
    if recipe.truth == "as-ranked" and recipe.distractor == "random":
        raise Ek100Error(
            "--truth as-ranked: random distractors have no ranking to keep; "
            "use --distractor tim (or another imported recogniser), or --truth included"
        )
    if recipe.truth == "as-ranked" and recipe.exclude_concurrent:
        raise Ek100Error(
            "--exclude-concurrent: --truth as-ranked keeps the recogniser's list as it is; "
            "use one of the two"
        )
    known = set(annotations.columns(recipe.split).participant_ids)
    if unknown := sorted(set(recipe.participants or ()) - known):
        raise Ek100Error(
            f"--participants: {', '.join(unknown)} not in the {recipe.split} split; "
            f"it has {', '.join(sorted(known))}"
        )


def wording_for(recipe: Recipe, annotations: Annotations) -> Wording:
    """How this recipe writes its options."""
    if recipe.text == "official-key":
        return OfficialKeys(annotations.verbs, annotations.nouns)
    columns = annotations.train, annotations.validation
    narrated = chain.from_iterable(zip(c.actions, c.narrations, strict=True) for c in columns)
    return Narrations(narrated, recipe.seed)


def build(
    annotations: Annotations,
    recipe: Recipe,
    distractors: Distractors,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Built:
    """Make the questions of a split, sorted by participant, video and narration number.

    `progress` is called with (rows done, rows in all) now and then.
    """
    check_recipe(recipe, annotations)
    wording = wording_for(recipe, annotations)
    segments = sorted(
        annotations.split(recipe.split),
        key=lambda s: (narration_order(s.narration_id), s.narration_id),
    )
    videos = by_video(segments)
    concurrent = concurrent_actions(videos)
    priors = prior_actions(videos)
    questions: list[Question] = []
    skipped: Counter[str] = Counter()
    clashes: Counter[str] = Counter()
    for row, segment in enumerate(segments):
        if row % 256 == 0:
            progress(row, len(segments))
        if reason := _not_wanted(segment, recipe, len(questions)):
            skipped[reason] += 1
            continue
        candidates = distractors.candidates(segment)
        if candidates is None:
            skipped[NO_SCORES] += 1
            continue
        beside = concurrent.get(segment.narration_id, frozenset())
        chosen = choose_options(segment, candidates, wording, recipe, beside)
        if len(chosen.options) < recipe.k:
            skipped[TOO_FEW] += 1
            continue
        clashes["another narration of the class"] += chosen.other_narration
        clashes["next class"] += chosen.next_class
        if recipe.exclude_concurrent:
            clashes["concurrent class left out"] += chosen.concurrent_class
        questions.append(
            make_question(
                segment,
                chosen.options,
                recipe.seed,
                distractors.rank(segment),
                beside,
                priors.get(segment.narration_id, ()),
            )
        )
    progress(len(segments), len(segments))
    listed = sum(question.truth_rank is not None for question in questions)
    return Built(
        questions,
        len(segments),
        dict(sorted(skipped.items())),
        dict(sorted(clashes.items())),
        None if recipe.distractor == "random" else listed,
    )


def _not_wanted(segment: Segment, recipe: Recipe, made: int) -> str | None:
    if recipe.participants is not None and segment.participant_id not in recipe.participants:
        return OTHER_PARTICIPANT
    if recipe.limit is not None and made >= recipe.limit:
        return BEYOND_LIMIT
    if recipe.text == "narration" and not segment.narration:
        return NO_NARRATION
    return None
