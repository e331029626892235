"""Keyed randomness."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from ek100mqa.seeds import below, draw, draws, shuffled

ITEMS = [f"P01_11_{i}" for i in range(4000)]


@given(st.integers(1, 30), st.text(max_size=20))
def test_fewer_draws_are_the_start_of_more(n: int, item: str) -> None:
    assert draws(30, 0, item, "test")[:n] == draws(n, 0, item, "test")


def test_indices_are_uniform() -> None:
    counts = Counter(below(7, 3, item, "test") for item in ITEMS)
    assert chisquare([counts[i] for i in range(7)]).pvalue > 1e-3


def test_first_place_after_a_shuffle_is_uniform() -> None:
    counts = Counter(shuffled("ABCDE", 3, item, "test")[0] for item in ITEMS)
    assert chisquare([counts[letter] for letter in "ABCDE"]).pvalue > 1e-3


@given(st.lists(st.integers(), max_size=40), st.integers(0, 100))
def test_a_shuffle_loses_nothing(items: list[int], seed: int) -> None:
    assert Counter(shuffled(items, seed, "P01_11_0", "test")) == Counter(items)


def test_seed_item_and_purpose_all_matter() -> None:
    assert len({draw(0, "a", "b"), draw(1, "a", "b"), draw(0, "b", "b"), draw(0, "a", "a")}) == 4


def test_draws_are_the_same_for_ever() -> None:
    # Published benchmarks depend on these numbers.
    assert draw(0, "P01_11_0", "narration 0:2") == 16540271802215669943
    assert draws(2, 7, "P01_11_0", "shuffle") == [3761306357854609987, 14915496286031351589]


@pytest.mark.parametrize("hash_seed", ["0", "1234"])
def test_draws_do_not_depend_on_pythonhashseed(hash_seed: str) -> None:
    code = "from ek100mqa.seeds import draw; print(draw(0, 'P01_11_0', 'x'))"
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == draw(0, "P01_11_0", "x")
