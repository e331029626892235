"""Check a benchmark folder against its manifest and the rules of a question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ek100mqa import card, manifest
from ek100mqa.annotations import Annotations, is_narration_id
from ek100mqa.benchmark import questions
from ek100mqa.build import build
from ek100mqa.errors import Ek100Error
from ek100mqa.files import PARTIAL
from ek100mqa.manifest import Entry
from ek100mqa.neighbours import narration_order
from ek100mqa.schema import Distractors, Problem, Question, Recipe
from ek100mqa.wording import fold

#: Standard deviations by which a position of the truth may miss its share (two-sided 2e-9).
_MOST_DEVIATION = 6.0


def verify(folder: Path) -> list[Problem]:
    """Every problem of a benchmark folder: files, manifest, card, columns, questions."""
    entries = manifest.read(folder)
    problems = [*_strangers(folder, entries), *_card(folder, entries)]
    for config, splits in sorted(entries.items()):
        for split, entry in sorted(splits.items()):
            where = f"{config} ({split})"
            if (config, split) != (entry.recipe.config, entry.recipe.split):
                problems.append(
                    Problem(where, f"its recipe is that of {entry.recipe.config}; built elsewhere?")
                )
            problems += _files(folder, entry)
            try:
                rows = questions(folder, entry)
            except Ek100Error as error:
                problems.append(Problem(where, str(error)))
                continue
            problems += _whole(where, entry, rows)
            for question in rows:
                problems += (
                    Problem(f"{where} {question.question_id}", message)
                    for message in check_question(question, entry.recipe)
                )
    return problems


def check_question(question: Question, recipe: Recipe) -> Iterator[str]:
    """What breaks the rules of a question in this one."""
    k, actions = recipe.k, question.choice_actions
    if not len(question.choices) == len(actions) == len(question.concurrent) == k:
        yield f"{len(question.choices)} options; expected {k}, each with its classes"
        return
    if len({fold(text) for text in question.choices}) != k:
        yield f"options with the same text: {list(question.choices)}"
    if len(set(actions)) != k:
        yield "an action class stands twice among the options"
    if not question.question_id.startswith(f"{question.video_id}_") or not (
        question.video_id.startswith(f"{question.participant_id}_")
    ):
        yield f"of video {question.video_id!r} and participant {question.participant_id!r}"
    if question.truth_rank is not None and question.truth_rank < 0:
        yield f"the truth has rank {question.truth_rank}"
    if recipe.exclude_concurrent and any(
        beside and action != question.action
        for beside, action in zip(question.concurrent, actions, strict=True)
    ):
        yield "a distractor that is annotated over half of the clip or more"
    if not 0 <= question.start_s < question.stop_s:
        yield f"a clip from {question.start_s} s to {question.stop_s} s"
    if len(question.priors) not in (0, 2) or any(p.offset_s < 0 for p in question.priors):
        yield "prior actions that are not two, or not before the clip"
    if question.answer is None:
        if recipe.truth == "included":
            yield "no answer; expected the truth among the options"
        elif question.action in actions:
            yield "no answer, though the truth is among the options"
        return
    if not 0 <= question.answer < k:
        yield f"answer {question.answer}; expected 0 to {k - 1}"
    elif actions[question.answer] != question.action:
        yield f"the answer is of class {actions[question.answer]}, the truth {question.action}"
    elif recipe.text == "narration" and question.choices[question.answer] != question.narration:
        yield f"the answer's text {question.choices[question.answer]!r} is not the clip's narration"


def compare_rebuilt(
    entry: Entry,
    rows: list[Question],
    inputs: list[dict[str, Any]],
    annotations: Annotations,
    distractors: Distractors,
) -> Iterator[Problem]:
    """Where a new build from `annotations` and `distractors` differs from the stored questions."""
    where = f"{entry.recipe.config} ({entry.recipe.split})"
    used = {file["role"]: file["sha256"] for file in entry.inputs}
    other = [file["name"] for file in inputs if file["sha256"] != used.get(file["role"])]
    if other:
        yield Problem(where, f"built from other files; cannot be rebuilt from {', '.join(other)}")
        return
    again = build(annotations, entry.recipe, distractors).questions
    different = [old.question_id for old, new in zip(rows, again, strict=False) if old != new]
    if different or len(rows) != len(again):
        yield Problem(
            where,
            f"a new build gives {len(again)} questions, of which {len(different)} differ, "
            f"the first {different[:1]}",
        )


def _strangers(folder: Path, entries: manifest.Manifest) -> Iterator[Problem]:
    known = {
        file.path
        for splits in entries.values()
        for entry in splits.values()
        for file in entry.files
    }
    for path in sorted(folder.rglob("*.parquet")):
        name = path.relative_to(folder).as_posix()
        if name.startswith(PARTIAL):
            yield Problem(name, "left by a build that was killed; the next build deletes it")
        elif name not in known:
            yield Problem(name, "not in the manifest; load_dataset may read it; delete it")


def _card(folder: Path, entries: manifest.Manifest) -> Iterator[Problem]:
    import yaml

    try:
        text = (folder / card.NAME).read_text(encoding="utf-8")
        found = yaml.safe_load(text.split("---\n")[1]) if text.startswith("---\n") else None
    except (OSError, UnicodeDecodeError, IndexError, yaml.YAMLError) as error:
        yield Problem(card.NAME, f"not readable as a dataset card ({error})")
        return
    for splits in entries.values():
        for entry in splits.values():
            if f"`{entry.fingerprint}`" not in text:
                yield Problem(card.NAME, f"does not name the fingerprint of {entry.recipe.config}")
    expected = card.front_matter(entries)
    if not isinstance(found, dict) or any(
        found.get(key) != expected[key] for key in ("configs", "license")
    ):
        yield Problem(card.NAME, "its YAML does not name the configs, files and licence as built")


def _files(folder: Path, entry: Entry) -> Iterator[Problem]:
    for file in entry.files:
        path = folder / file.path
        if not path.is_file():
            yield Problem(file.path, "missing")
        elif (size := path.stat().st_size) != file.bytes:
            yield Problem(file.path, f"{size} bytes; the manifest says {file.bytes}")
        elif (found := manifest.sha256_of(path)) != file.sha256:
            yield Problem(file.path, f"SHA-256 {found}; the manifest says {file.sha256}")


def _whole(where: str, entry: Entry, rows: list[Question]) -> Iterator[Problem]:
    """What can only be seen on all questions of a config and split."""
    ids = [question.question_id for question in rows]
    if repeated := [name for name, count in Counter(ids).items() if count > 1]:
        yield Problem(where, f"question ids that stand twice: {', '.join(repeated[:5])}")
    if bad := [name for name in ids if not is_narration_id(name)]:
        yield Problem(where, f"question ids unlike EPIC's narration ids: {bad[:5]}")
    elif ids != sorted(ids, key=narration_order):
        yield Problem(where, "the questions are not in order of their ids")
    counts = entry.counts
    if not len(rows) == entry.rows == counts["questions"]:
        yield Problem(where, f"{len(rows)} questions; the manifest says {counts['questions']}")
    if (total := len(rows) + sum(counts["skipped"].values())) != counts["rows"]:
        yield Problem(where, f"questions and rows left out make {total} of {counts['rows']} rows")
    if (found := manifest.fingerprint(rows)) != entry.fingerprint:
        yield Problem(where, f"fingerprint {found}; the manifest says {entry.fingerprint}")
    listed = sum(question.truth_rank is not None for question in rows)
    if counts["truth_in_list"] not in (None, listed):
        yield Problem(where, f"{listed} truths in the list; the manifest says otherwise")
    answers = Counter(question.answer for question in rows if question.answer is not None)
    answered, share = sum(answers.values()), 1 / entry.recipe.k
    for position in range(entry.recipe.k):
        deviation = abs(answers[position] - answered * share)
        if deviation > 1 + _MOST_DEVIATION * (answered * share * (1 - share)) ** 0.5:
            yield Problem(
                where, f"the truth is option {position + 1} in {answers[position]} of {answered}"
            )
