"""One question: its options, the refusal of duplicates, the shuffle. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ek100mqa.schema import Action, Prior, Question, Recipe, Segment, Wording
from ek100mqa.seeds import shuffled
from ek100mqa.wording import fold


class Option(NamedTuple):
    text: str
    action: Action


class Options(NamedTuple):
    """The options of one question, the truth first where it is put in; and what clashed."""

    options: list[Option]
    other_narration: int  #: options whose first text was taken, so that another narration stands
    next_class: int  #: classes passed over, since every text of theirs was taken
    concurrent_class: int  #: classes passed over, since they happen in the clip too


def choose_options(
    segment: Segment,
    candidates: Iterator[Action],
    wording: Wording,
    recipe: Recipe,
    concurrent: frozenset[Action] = frozenset(),
) -> Options:
    """The first K classes that can be told apart by their texts.

    `included`: the truth and K-1 others. `as-ranked`: the candidates as they come, the truth
    only where it is one of the first K. Fewer than K options come back where candidates run
    out. The truth's text is never given to another class.
    """
    k, true_action, as_ranked = recipe.k, segment.action, recipe.truth == "as-ranked"
    truth = Option(wording.of_truth(segment), true_action)
    options = [] if as_ranked else [truth]
    taken = {fold(truth.text)}
    seen: set[Action] = set()
    excluded = concurrent if recipe.exclude_concurrent else frozenset()
    other_narration = next_class = concurrent_class = 0
    for rank, action in enumerate(candidates):
        if len(options) == k:
            break
        if action == true_action:
            if as_ranked and rank < k:
                options.append(truth)
            continue
        if action in seen:  # a list that names a class twice
            continue
        seen.add(action)
        if action in excluded:
            concurrent_class += 1
            continue
        for attempt, text in enumerate(wording.of_other(action, segment.narration_id)):
            folded = fold(text)
            if folded not in taken:
                taken.add(folded)
                options.append(Option(text, action))
                other_narration += attempt > 0
                break
        else:
            next_class += 1
    return Options(options, other_narration, next_class, concurrent_class)


def make_question(
    segment: Segment,
    options: list[Option],
    seed: int,
    truth_rank: int | None,
    concurrent: frozenset[Action],
    priors: tuple[Prior, ...],
) -> Question:
    """The options in a shuffled order, which depends on the seed and the clip."""
    shown = shuffled(options, seed, segment.narration_id, "shuffle")
    texts, actions = zip(*shown, strict=True)
    answer = actions.index(segment.action) if segment.action in actions else None
    beside = tuple([action in concurrent for action in actions])
    return Question(
        segment.narration_id,
        segment.participant_id,
        segment.video_id,
        segment.start_s,
        segment.stop_s,
        texts,
        actions,
        answer,
        segment.narration,
        segment.action,
        truth_rank,
        beside,
        priors,
    )
