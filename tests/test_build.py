"""Builds of the toy kitchen, and of EPIC's validation split where it is there."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from scipy.stats import chisquare

from distractors.random_actions import RandomDistractors
from distractors.ranked import RankedDistractors
from distractors.scores import import_scores
from ek100mqa import manifest
from ek100mqa.annotations import Annotations
from ek100mqa.build import BEYOND_LIMIT, OTHER_PARTICIPANT, Built, build
from ek100mqa.schema import Action, Recipe, Segment
from ek100mqa.verify import check_question
from ek100mqa.wording import fold
from tests.conftest import Run

Builder = Callable[..., Path]
BOTH = ["kitchen", "epic"]


def distractors_for(annotations: Annotations, recipe: Recipe, folder: Path) -> object:
    if recipe.distractor == "random":
        return RandomDistractors(annotations.action_classes, recipe.seed)
    scores = folder / "scores" / f"{recipe.distractor}_{recipe.split}.pkl"
    imported = import_scores(scores, annotations, recipe.distractor, recipe.split)
    return RankedDistractors(imported.top, annotations.split(recipe.split))


@pytest.fixture
def made(kitchen: Annotations, kitchen_folder: Path) -> Callable[[Recipe], Built]:
    def call(recipe: Recipe) -> Built:
        return build(kitchen, recipe, distractors_for(kitchen, recipe, kitchen_folder))  # type: ignore[arg-type]

    return call


RECIPES = [
    Recipe("tim"),
    Recipe("avion", k=10, text="official-key"),
    Recipe("tim", k=20, truth="as-ranked"),
    Recipe("tim", k=2, exclude_concurrent=True),
    Recipe("random", k=26, seed=3),
    Recipe("tim", split="train"),
]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: f"{r.config}-{r.split}")
def test_every_question_keeps_the_rules(made: Callable[[Recipe], Built], recipe: Recipe) -> None:
    built = made(recipe)
    assert built.questions
    for question in built.questions:
        assert list(check_question(question, recipe)) == []
    assert len(built.questions) + sum(built.skipped.values()) == built.rows


def test_distractors_are_the_best_ranked_others(
    kitchen: Annotations, kitchen_folder: Path, made: Callable[[Recipe], Built]
) -> None:
    recipe = Recipe("tim", text="official-key")
    ranking = distractors_for(kitchen, recipe, kitchen_folder)
    clips = {segment.narration_id: segment for segment in kitchen.split("validation")}
    for question in made(recipe).questions:
        ranked = list(ranking.candidates(clips[question.question_id]))  # type: ignore[attr-defined]
        others = [action for action in ranked if action != question.action][:4]
        assert set(question.choice_actions) == {*others, question.action}
        assert ranked[question.truth_rank or 0] == question.action


def test_as_ranked_keeps_the_list_as_it_is(
    kitchen: Annotations, kitchen_folder: Path, made: Callable[[Recipe], Built]
) -> None:
    recipe = Recipe("tim", k=5, truth="as-ranked", text="official-key")
    ranking = distractors_for(kitchen, recipe, kitchen_folder)
    clips = {segment.narration_id: segment for segment in kitchen.split("validation")}
    questions = made(recipe).questions
    for question in questions:
        ranked = list(ranking.candidates(clips[question.question_id]))  # type: ignore[attr-defined]
        assert set(question.choice_actions) == set(ranked[:5])
        assert (question.answer is None) == (question.action not in ranked[:5])
    assert any(question.answer is None for question in questions)


def test_a_part_of_a_build_has_the_questions_of_the_whole(made: Callable[[Recipe], Built]) -> None:
    whole = {question.question_id: question for question in made(Recipe("tim")).questions}
    limited = made(Recipe("tim", limit=7))
    some = made(Recipe("tim", participants=("P02", "P04")))
    assert len(limited.questions) == 7 and limited.skipped == {BEYOND_LIMIT: 113}
    assert some.skipped == {OTHER_PARTICIPANT: 60}
    for question in (*limited.questions, *some.questions):
        assert question == whole[question.question_id]


def test_the_row_order_of_the_csv_does_not_matter(
    build: Builder, kitchen_folder: Path, tmp_path: Path, run: Run
) -> None:
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    for path in (kitchen_folder / "annotations").iterdir():
        header, *rows = path.read_text().splitlines()
        random.Random(5).shuffle(rows)
        (mixed / path.name).write_text("\n".join([header, *rows]) + "\n")
    one = build(out=tmp_path / "one")
    other = build("--annotations", mixed, out=tmp_path / "other")
    assert parquet(one) == parquet(other)


def parquet(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*.parquet")}


SURROUNDINGS = [
    {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "2", "TZ": "America/Lima", "LC_ALL": "C.UTF-8", "LANG": "de_DE.UTF-8"},
]


def test_the_same_bytes_in_other_surroundings(kitchen_folder: Path, tmp_path: Path) -> None:
    results = []
    for number, surroundings in enumerate(SURROUNDINGS):
        here = tmp_path / f"folder {number}"
        here.mkdir()
        subprocess.run(
            [
                *(sys.executable, "-m", "ek100mqa", "build", "--distractor", "avion"),
                *("--annotations", str(kitchen_folder / "annotations"), "--out", "b"),
                *("--scores", str(kitchen_folder / "scores/avion_validation.pkl")),
            ],
            cwd=here,
            env={**os.environ, **surroundings},
            check=True,
            capture_output=True,
        )
        results.append(
            {
                p.name: p.read_bytes()
                for p in sorted((here / "b").rglob("*"))
                if p.is_file() and p.name[0] != "."
            }
        )
    assert results[0] == results[1]
    assert len(results[0]) == 3


def test_another_seed_moves_the_options(made: Callable[[Recipe], Built]) -> None:
    one, other = made(Recipe("tim")).questions, made(Recipe("tim", seed=1)).questions
    moved = sum(a.choices != b.choices for a, b in zip(one, other, strict=True))
    assert moved > 0.9 * len(one)
    for a, b in zip(one, other, strict=True):
        assert set(a.choice_actions) == set(b.choice_actions)


def test_random_distractors_are_uniform_over_all_classes() -> None:
    classes = [Action(0, noun) for noun in range(12)]
    source = RandomDistractors(classes, seed=0)
    counts: Counter[Action] = Counter()
    for i in range(3000):
        clip = Segment(f"P01_11_{i}", "P01", "P01_11", 0, 1, "", classes[0])
        order = list(source.candidates(clip))
        assert sorted(order) == classes
        counts.update(action for action in order[:5] if action != classes[0])
    others = [counts[action] for action in classes[1:]]
    assert chisquare(others).pvalue > 1e-3


def test_concurrent_and_prior_actions_are_those_of_the_annotations(
    kitchen: Annotations, made: Callable[[Recipe], Built]
) -> None:
    clips = kitchen.split("validation")
    seen = 0
    for question in made(Recipe("random", k=20)).questions:
        me = next(clip for clip in clips if clip.narration_id == question.question_id)
        video = [clip for clip in clips if clip.video_id == me.video_id and clip != me]
        for action, flag in zip(question.choice_actions, question.concurrent, strict=True):
            overlaps = [
                min(me.stop_ms, other.stop_ms) - max(me.start_ms, other.start_ms)
                for other in video
                if other.action == action
            ]
            assert flag == any(2 * o >= me.stop_ms - me.start_ms for o in overlaps)
            seen += flag
        before = sorted(
            (c.start_ms, c.stop_ms, c.narration) for c in [*video, me] if c.start_ms <= me.start_ms
        )
        before = before[: before.index((me.start_ms, me.stop_ms, me.narration))][-2:]
        if question.priors:
            assert [prior.narration for prior in question.priors] == [b[2] for b in before]
            assert [prior.offset_s for prior in question.priors] == [
                (me.start_ms - b[0]) / 1000 for b in before
            ]
        elif len(before) == 2:
            assert me.start_ms - before[1][1] > 3000 or before[1][0] - before[0][1] > 3000
    assert seen > 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--distractor", "random", "--truth", "as-ranked"], "no ranking to keep"),
        (["--distractor", "random", "--participants", "P77"], "P77 not in the validation split"),
        (["--distractor", "random", "--participants", ","], "expected ids such as P01,P02"),
        (["--distractor", "random", "--k", "27"], "2<=x<=26"),
        (["--distractor", "Tim!"], "expected a name such as tim"),
        (["--distractor", "../tim"], "expected a name such as tim"),
        (["--distractor", "tim"], "ek100mqa scores import FILE --model tim"),
    ],
)
def test_what_cannot_be_is_refused(
    run: Run, kitchen_folder: Path, arguments: list[str], expected: str
) -> None:
    result = run("build", *arguments, "--annotations", kitchen_folder / "annotations")
    assert result.exit_code == 2
    assert expected in result.output
    assert not Path("ek100-mqa").exists()


def test_k_beyond_the_list_is_refused(run: Run, kitchen_folder: Path) -> None:
    result = run(
        *("build", "--distractor", "tim", "--k", 25),
        *("--annotations", kitchen_folder / "annotations"),
        *("--scores", kitchen_folder / "scores/tim_pred_ids_validation.json"),
    )
    assert result.exit_code == 2
    assert "hold the best 20 classes" in result.output


# The same rules on EPIC's own annotations.


@pytest.fixture(scope="module")
def epic_built(epic: Annotations) -> Built:
    return build(epic, Recipe("random"), RandomDistractors(epic.action_classes, 0))


def test_on_epic_every_row_becomes_a_question_that_keeps_the_rules(epic_built: Built) -> None:
    assert len(epic_built.questions) == 9668
    for question in epic_built.questions:
        assert list(check_question(question, Recipe("random"))) == []
        assert len({fold(text) for text in question.choices}) == 5


def test_on_epic_the_position_of_the_truth_is_uniform(epic_built: Built) -> None:
    answers = Counter(question.answer for question in epic_built.questions)
    assert chisquare([answers[i] for i in range(5)]).pvalue > 1e-3


def test_on_epic_the_paper_s_prior_actions_come_out(epic_built: Built) -> None:
    # Paper section 3.2: "2.83 seconds ago … 'take paper'. 0.38 seconds ago … 'open bin'".
    clip = next(q for q in epic_built.questions if q.question_id == "P01_11_12")
    assert [tuple(prior) for prior in clip.priors] == [("take paper", 2.83), ("open bin", 0.38)]


def test_on_epic_7_5_percent_have_a_concurrent_neighbour(epic: Annotations) -> None:
    from ek100mqa.neighbours import by_video, concurrent_actions

    clips = epic.split("validation")
    beside = concurrent_actions(by_video(clips))
    other = sum(bool(beside.get(c.narration_id, frozenset()) - {c.action}) for c in clips)
    assert round(other / len(clips), 3) == 0.075


def test_on_epic_a_limited_build_has_the_questions_of_the_full_one(
    epic: Annotations, epic_built: Built
) -> None:
    recipe = Recipe("random", participants=("P18",), limit=50)
    part = build(epic, recipe, RandomDistractors(epic.action_classes, 0))
    assert len(part.questions) == 50
    assert set(part.questions) <= set(epic_built.questions)
    assert manifest.fingerprint(part.questions) != manifest.fingerprint(epic_built.questions)
