"""Texts of actions."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from ek100mqa.schema import Action
from ek100mqa.wording import Narrations, OfficialKeys, fold, noun_words

TAKE_CUP = Action(0, 4)


def test_the_first_part_of_a_noun_key_goes_to_the_end() -> None:
    assert noun_words("board:chopping") == "chopping board"
    assert noun_words("machine:sous:vide") == "sous vide machine"
    assert noun_words("tap") == "tap"


def test_an_official_key_is_verb_key_and_noun_words() -> None:
    keys = OfficialKeys({6: "turn-on"}, {3: "board:chopping"})
    assert list(keys.of_other(Action(6, 3), "P01_11_0")) == ["turn-on chopping board"]


def test_fold_forgets_case_hyphens_punctuation_and_spaces() -> None:
    assert fold("Rinse  knife.") == fold("rinse-knife") == fold("rinse knife") == "rinseknife"
    assert fold("wash cup") != fold("wash cups")


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_every_narration_of_a_class_is_offered_once() -> None:
    narrated = [(TAKE_CUP, text) for text in ("take cup", "take cup", "pick up cup", "grab mug")]
    texts = list(Narrations(narrated, 0).of_other(TAKE_CUP, "P01_11_0"))
    assert sorted(texts) == ["grab mug", "pick up cup", "take cup"]


def test_narrations_are_drawn_as_often_as_they_occur() -> None:
    narrated = [(TAKE_CUP, "take cup")] * 3 + [(TAKE_CUP, "grab cup")]
    wording = Narrations(narrated, 0)
    first = Counter(next(wording.of_other(TAKE_CUP, f"P01_11_{i}")) for i in range(4000))
    assert chisquare([first["take cup"], first["grab cup"]], [3000, 1000]).pvalue > 1e-3


def test_the_order_of_the_rows_does_not_matter() -> None:
    narrated = [(TAKE_CUP, text) for text in ("take cup", "pick up cup", "grab mug", "take mug")]
    one, other = Narrations(narrated, 5), Narrations(reversed(narrated), 5)
    assert list(one.of_other(TAKE_CUP, "P01_11_0")) == list(other.of_other(TAKE_CUP, "P01_11_0"))


def test_a_class_without_narrations_offers_nothing() -> None:
    assert list(Narrations([(TAKE_CUP, "")], 0).of_other(TAKE_CUP, "P01_11_0")) == []
