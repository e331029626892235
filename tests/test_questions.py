"""The rules of one question, on made-up candidates."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from ek100mqa.questions import Options, choose_options, make_question
from ek100mqa.schema import Action, Question, Recipe, Segment
from ek100mqa.verify import check_question
from ek100mqa.wording import fold

CLIP = Segment("P01_11_0", "P01", "P01_11", 300, 2300, "take plate", Action(0, 2))


class Words:
    """A wording that a test spells out; classes share texts as the test likes."""

    def __init__(self, texts: dict[Action, list[str]]) -> None:
        self.texts = texts

    def of_truth(self, segment: Segment) -> str:
        return segment.narration

    def of_other(self, action: Action, question_id: str) -> Iterator[str]:
        return iter(self.texts.get(action, []))


def choose(texts: dict[Action, list[str]], recipe: Recipe, *beside: Action) -> Options:
    return choose_options(CLIP, iter(texts), Words(texts), recipe, frozenset(beside))


def test_the_best_ranked_others_are_taken_in_order() -> None:
    texts = {Action(0, n): [f"text {n}"] for n in (5, 2, 7, 1, 9)}
    options = choose(texts, Recipe("tim", k=4)).options
    assert [option.action.noun for option in options] == [2, 5, 7, 1]
    assert options[0].text == "take plate"


def test_a_class_that_is_ranked_twice_is_taken_once() -> None:
    twice = [Action(1, 1), Action(1, 1), Action(1, 2)]
    words = Words({Action(1, 1): ["a", "b"], Action(1, 2): ["c"]})
    options = choose_options(CLIP, iter(twice), words, Recipe("tim", k=3))
    assert [option.text for option in options.options] == ["take plate", "a", "c"]


def test_a_clash_takes_another_narration_of_the_class() -> None:
    texts = {Action(1, 1): ["Take-plate.", "lift plate"], Action(1, 2): ["put plate"]}
    options = choose(texts, Recipe("tim", k=3))
    assert [option.text for option in options.options] == ["take plate", "lift plate", "put plate"]
    assert (options.other_narration, options.next_class) == (1, 0)


def test_a_class_whose_every_text_clashes_makes_room_for_the_next() -> None:
    texts = {Action(1, 1): ["take plate"], Action(1, 2): ["put plate"]}
    options = choose(texts, Recipe("tim", k=2))
    assert [option.action for option in options.options] == [CLIP.action, Action(1, 2)]
    assert (options.other_narration, options.next_class) == (0, 1)


def test_as_ranked_puts_no_truth_in() -> None:
    texts = {Action(1, n): [f"text {n}"] for n in range(4)}
    options = choose(texts, Recipe("tim", k=3, truth="as-ranked")).options
    assert [option.action.noun for option in options] == [0, 1, 2]


def test_as_ranked_keeps_a_truth_that_is_listed_with_its_own_narration() -> None:
    texts = {Action(1, 0): ["text 0"], CLIP.action: ["grab plate"], Action(1, 1): ["take plate"]}
    options = choose(texts, Recipe("tim", k=3, truth="as-ranked"))
    assert [option.text for option in options.options] == ["text 0", "take plate"]
    assert options.next_class == 1


def test_concurrent_classes_are_left_out_only_when_asked() -> None:
    texts = {Action(1, n): [f"text {n}"] for n in range(4)}
    kept = choose(texts, Recipe("tim", k=3), Action(1, 0))
    assert [option.action.noun for option in kept.options[1:]] == [0, 1]
    out = choose(texts, Recipe("tim", k=3, exclude_concurrent=True), Action(1, 0))
    assert [option.action.noun for option in out.options[1:]] == [1, 2]
    assert out.concurrent_class == 1


words = st.sampled_from(["take plate", "Take plate.", "put cup", "put-cup", "open tap", "wash pan"])
actions = st.builds(Action, st.integers(0, 3), st.integers(0, 3))
worlds = st.dictionaries(actions, st.lists(words, max_size=4), max_size=16)


def made(options: Options, seed: int) -> Question:
    return make_question(CLIP, options.options, seed, None, frozenset(), ())


@given(worlds, st.integers(2, 6), st.sampled_from(["included", "as-ranked"]), st.integers(0, 9))
def test_whatever_the_candidates_the_rules_hold(
    texts: dict[Action, list[str]], k: int, truth: str, seed: int
) -> None:
    recipe = Recipe("tim", k=k, truth=truth)  # type: ignore[arg-type]
    options = choose(texts, recipe)
    assert len({fold(option.text) for option in options.options}) == len(options.options) <= k
    assert len({option.action for option in options.options}) == len(options.options)
    order = list(texts)
    ranks = [order.index(o.action) for o in options.options if o.action != CLIP.action]
    assert ranks == sorted(ranks)
    if len(options.options) == k:
        question = made(options, seed)
        assert list(check_question(question, recipe)) == []
        if truth == "included":
            assert question.choice_actions.count(CLIP.action) == 1
            assert question.answer is not None
            assert question.choices[question.answer] == CLIP.narration


def test_another_seed_moves_the_options() -> None:
    texts = {Action(1, n): [f"text {n}"] for n in range(8)}
    options = choose(texts, Recipe("tim", k=8))
    assert len({made(options, seed).choices for seed in range(10)}) > 5
    assert made(options, 1) == made(options, 1)
