"""The toy kitchen is worth testing on."""

from __future__ import annotations

from collections import defaultdict

from ek100mqa.annotations import Annotations
from ek100mqa.demo import TAIL_NOUNS, TAIL_VERBS, UNSEEN, segments
from ek100mqa.neighbours import by_video, concurrent_actions


def test_it_has_videos_participants_and_overlaps(kitchen: Annotations) -> None:
    clips = (*kitchen.split("train"), *kitchen.split("validation"))
    assert len(clips) >= 300
    assert len({clip.video_id for clip in clips}) >= 10
    assert len({clip.participant_id for clip in clips}) == 4
    assert len(concurrent_actions(by_video(clips))) > 20


def test_it_has_what_is_hard_about_the_real_one(kitchen: Annotations) -> None:
    classes = defaultdict(set)
    for clip in (*kitchen.split("train"), *kitchen.split("validation")):
        classes[clip.narration].add(clip.action)
    assert any(len(actions) > 1 for actions in classes.values())
    assert any(text.endswith(".") for text in classes)
    assert any("-" in text for text in classes)
    assert {c.participant_id for c in kitchen.split("train")}.isdisjoint(UNSEEN)
    assert any(c.action.verb in TAIL_VERBS for c in kitchen.split("validation"))
    assert any(c.action.noun in TAIL_NOUNS for c in kitchen.split("validation"))


def test_another_seed_is_another_kitchen() -> None:
    assert segments(["P01_01"], 0) == segments(["P01_01"], 0) != segments(["P01_01"], 1)
