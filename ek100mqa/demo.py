"""The toy kitchen: made-up annotations in EPIC's columns, and a made-up recogniser's scores.

Everything comes from a seed, and nothing from EPIC-KITCHENS. It is small, and it has what is
hard about the real one: overlapping actions, a narration that belongs to two classes, a full
stop in a narration, an unseen participant, a truth that the recogniser does not list.
"""

from __future__ import annotations

import csv
import json
import pickle
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ek100mqa import published
from ek100mqa.errors import Ek100Error
from ek100mqa.schema import Action, Segment
from ek100mqa.seeds import below, draw, draws

MARK = "TOY-KITCHEN"  #: a file that says that a folder is one
SEGMENTS_PER_VIDEO = 30
TRAIN_VIDEOS = ("P01_01", "P01_02", "P01_03", "P02_01", "P02_02", "P02_03", "P03_01", "P03_02")
VALIDATION_VIDEOS = ("P01_11", "P02_11", "P03_11", "P04_01")
UNSEEN = ("P04",)

#: verb class -> (key, category, ways to say it); `{}` stands for the noun
VERBS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("take", "retrieve", ("take {}", "pick up {}", "grab {}")),
    ("put", "leave", ("put down {}", "put {}", "place {}")),
    ("wash", "clean", ("wash {}", "rinse {}", "wash {}.")),
    ("open", "access", ("open {}",)),
    ("close", "block", ("close {}", "shut {}")),
    ("cut", "split", ("cut {}", "slice {}", "chop {}")),
    ("turn-on", "access", ("open {}", "turn on {}")),
    ("turn-off", "block", ("turn off {}",)),
    ("stir", "transition", ("stir {}", "mix {}")),
    ("dry", "clean", ("dry {}", "wipe {}")),
)
#: noun class -> (key, category, names, verb classes that go with it)
NOUNS: tuple[tuple[str, str, tuple[str, ...], tuple[int, ...]], ...] = (
    ("tap", "appliances", ("tap", "hot tap"), (2, 3, 4, 6, 7)),
    ("plate", "crockery", ("plate", "small plate", "plates"), (0, 1, 2, 9)),
    ("knife", "cutlery", ("knife",), (0, 1, 2, 9)),
    ("board:chopping", "utensils", ("chopping board", "cutting board"), (0, 1, 2, 9)),
    ("cup", "crockery", ("cup", "mug"), (0, 1, 2, 9)),
    ("pan", "cookware", ("pan", "frying pan"), (0, 1, 2, 8, 9)),
    ("onion", "vegetables", ("onion", "red onion"), (0, 1, 2, 5, 8)),
    ("bread", "baked goods and grains", ("bread", "loaf"), (0, 1, 5)),
    ("drawer", "furniture", ("drawer",), (3, 4)),
    ("fridge", "appliances", ("fridge", "fridge door"), (3, 4)),
    ("sponge", "cleaning equipment and material", ("sponge",), (0, 1, 2)),
    ("liquid:washing", "cleaning equipment and material", ("washing-up liquid",), (0, 1, 3, 4)),
    ("soup", "prepared food", ("soup",), (0, 1, 8)),
    ("hob", "appliances", ("hob", "stove"), (2, 6, 7, 9)),
)
ACTIONS = tuple(Action(v, n) for n, noun in enumerate(NOUNS) for v in noun[3])
TAIL_VERBS, TAIL_NOUNS = (5, 8, 9), (7, 11, 12, 13)


def segments(videos: Iterable[str], seed: int = 0) -> list[Segment]:
    """Made-up segments of these videos, in the row order of EPIC's CSVs (ids sorted as text)."""
    made = [segment for video in videos for segment in _video(video, seed)]
    return sorted(made, key=lambda s: (s.video_id, s.narration_id))


def _video(video: str, seed: int) -> list[Segment]:
    made: list[Segment] = []
    clock = 300
    for number in range(SEGMENTS_PER_VIDEO):
        name = f"{video}_{number}"
        action = ACTIONS[below(len(ACTIONS), seed, name, "action")]
        length = 600 + below(2400, seed, name, "length")
        beside = made and below(6, seed, name, "beside") == 0
        start = made[-1].start_ms + 100 if beside else clock
        made.append(
            Segment(
                name, video[:3], video, start, start + length, _narrate(action, name, seed), action
            )
        )
        clock = max(clock, start + length + below(1500, seed, name, "gap") - 400)
    return made


def _narrate(action: Action, name: str, seed: int) -> str:
    sayings, nouns = VERBS[action.verb][2], NOUNS[action.noun][2]
    # The first way of saying it is the usual one.
    saying = sayings[max(0, below(2 * len(sayings), seed, name, "saying") - len(sayings))]
    noun = nouns[max(0, below(2 * len(nouns), seed, name, "noun") - len(nouns))]
    return saying.format(noun)


def recognise(clips: Sequence[Segment], classes: Sequence[Action], seed: int) -> npt.NDArray[Any]:
    """A plausible recogniser's logits [n_clips, n_classes], float32: it knows verbs and nouns
    better than their pairs, and is right about every second time."""
    verbs = np.array([action.verb for action in classes])
    nouns = np.array([action.noun for action in classes])
    logits = np.empty((len(clips), len(classes)), np.float32)
    for row, clip in enumerate(clips):
        noise = np.array(draws(4 * len(classes), seed, clip.narration_id, "logits"), np.float64)
        normal = (noise.reshape(4, -1) / 2.0**64 - 0.5).sum(axis=0) * 3**0.5  # variance 1
        ease = draw(seed, clip.narration_id, "ease") / 2.0**64 * 2.2
        logits[row] = 0.8 * normal + ease * (verbs == clip.action.verb)
        logits[row] += ease * (nouns == clip.action.noun)
    return logits


def write_kitchen(folder: Path, seed: int = 0) -> None:
    """Write `annotations/` with EPIC's file names and `scores/` in the recognisers' layouts.

    Refuses a folder with other things in it, so that no real file is written over.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / MARK
    if any(folder.iterdir()) and not mark.exists():
        raise Ek100Error(
            f"{folder}: has other things in it; choose an empty or new folder with --out"
        )
    mark.write_text("Made up by ek100mqa demo; nothing here is EPIC-KITCHENS's.\n")
    train, validation = segments(TRAIN_VIDEOS, seed), segments(VALIDATION_VIDEOS, seed)
    write_annotations(folder / "annotations", train, validation)
    classes = sorted({s.action for s in (*train, *validation)}, key=str)
    write_scores(folder / "scores", validation, classes, "validation", seed)
    write_scores(folder / "scores", train, classes, "train", seed)


def write_annotations(
    folder: Path, train: Sequence[Segment], validation: Sequence[Segment]
) -> None:
    """The CSV files of EPIC's annotations folder."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_segments(folder / published.TRAIN, train)
    _write_segments(folder / published.VALIDATION, validation)
    verbs = [(i, key, [key], category) for i, (key, category, _) in enumerate(VERBS)]
    nouns = [(i, key, list(names), group) for i, (key, group, names, _) in enumerate(NOUNS)]
    header = ("id", "key", "instances", "category")
    _write_csv(folder / published.VERB_CLASSES, header, verbs)
    _write_csv(folder / published.NOUN_CLASSES, header, nouns)
    _write_csv(folder / published.NOUN_CLASSES_V2, header, nouns)
    _write_csv(folder / published.TAIL_VERBS, ("verb",), [(verb,) for verb in TAIL_VERBS])
    _write_csv(folder / published.TAIL_NOUNS, ("noun",), [(noun,) for noun in TAIL_NOUNS])
    unseen = [(participant,) for participant in UNSEEN]
    _write_csv(folder / published.UNSEEN_VALIDATION, ("participant_id",), unseen)
    stops: dict[str, int] = {}
    for segment in (*train, *validation):
        stops[segment.video_id] = max(stops.get(segment.video_id, 0), segment.stop_ms)
    info = [(v, f"{s / 1000 + 1:.3f}", fps(v), "456x256") for v, s in sorted(stops.items())]
    _write_csv(folder / published.VIDEO_INFO, ("video_id", "duration", "fps", "resolution"), info)


def fps(video: str) -> float:
    """As in EPIC: recordings at 59.94 frames a second, some participants' at 50."""
    return 50.0 if int(video[1:3]) % 2 == 0 else 60000 / 1001


def _write_segments(path: Path, rows: Sequence[Segment]) -> None:
    header = (
        *("narration_id", "participant_id", "video_id", "narration_timestamp"),
        *("start_timestamp", "stop_timestamp", "start_frame", "stop_frame", "narration"),
        *("verb", "verb_class", "noun", "noun_class", "all_nouns", "all_noun_classes"),
    )
    cells = []
    for s in rows:
        verb, noun = VERBS[s.action.verb][0], NOUNS[s.action.noun][0]
        frames = (int(ms / 1000 * fps(s.video_id)) + 1 for ms in (s.start_ms, s.stop_ms))
        cells.append(
            (
                *(s.narration_id, s.participant_id, s.video_id, _timestamp(s.start_ms + 250)),
                *(_timestamp(s.start_ms), _timestamp(s.stop_ms), *frames, s.narration),
                *(verb, s.action.verb, noun, s.action.noun, [noun], [s.action.noun]),
            )
        )
    _write_csv(path, header, cells)


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def _timestamp(ms: int) -> str:
    seconds, rest = divmod(ms, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"


def write_scores(
    folder: Path, clips: Sequence[Segment], classes: Sequence[Action], split: str, seed: int
) -> None:
    """Two recognisers' scores: `tim` and `avion` in their own layouts, `c1` and LLaVAction's."""
    folder.mkdir(parents=True, exist_ok=True)
    ids = [clip.narration_id for clip in clips]
    index = {action: i for i, action in enumerate(classes)}
    tim = recognise(clips, classes, seed + 1)
    avion = recognise(clips, classes, seed + 2)
    targets = np.array([index[clip.action] for clip in clips])
    shifted = np.exp(avion - avion.max(axis=1, keepdims=True))
    _dump(
        folder / f"avion_{split}.pkl",
        {
            "logits": avion,
            "probs": shifted / shifted.sum(axis=1, keepdims=True),
            "targets": targets,
        },
    )
    _dump(
        folder / f"tim_{split}.pkl",
        {
            "action": tim,
            "audio": np.zeros((0, 44), np.float32),
            "v_narration_ids": np.array([f"v_{name}" for name in ids], dtype=object),
            "a_narration_ids": np.array([], dtype=object),
        },
    )
    one_hot = {
        "verb_output": (len(VERBS), [clip.action.verb for clip in clips]),
        "noun_output": (len(NOUNS), [clip.action.noun for clip in clips]),
    }
    c1: dict[str, Any] = {"narration_id": np.array(ids)}
    for key, (n, truth) in one_hot.items():
        noise = [draws(n, seed, name, key) for name in ids]
        c1[key] = (np.array(noise, np.float64) / 2.0**63).astype(np.float32)
        c1[key][np.arange(len(clips)), truth] += 1.0
    _dump(folder / f"c1_{split}.pkl", c1)
    best = np.argsort(-tim, axis=1, kind="stable")[:, :20]
    ranked = {
        str(row): {"predictions": [str(classes[column]) for column in columns]}
        for row, columns in enumerate(best)
    }
    (folder / f"tim_pred_ids_{split}.json").write_text(json.dumps(ranked), encoding="utf-8")


def _dump(path: Path, content: object) -> None:
    with open(path, "wb") as file:
        pickle.dump(content, file, protocol=4)
