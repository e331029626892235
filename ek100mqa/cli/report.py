"""Lines of text about builds and questions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ek100mqa.manifest import Entry
from ek100mqa.schema import Question


def built_lines(folder: Path, entry: Entry) -> Iterator[str]:
    """What a build made, and what became of every row."""
    counts = entry.counts
    yield f"{entry.recipe.config} ({entry.recipe.split}): {counts['questions']:,} questions"
    yield f"  from {counts['rows']:,} rows of the CSV"
    for reason, rows in counts["skipped"].items():
        yield f"  {rows:,} left out: {reason}"
    for how, times in counts["clashes"].items():
        if times:
            what = "" if "concurrent" in how else "clashing texts: "
            yield f"  {what}{how} {times:,} times"
    if counts["truth_in_list"] is not None:
        depth = next((f["depth"] for f in entry.inputs if f["role"] == "scores"), None)
        yield f"  the truth is in the recogniser's best {depth} for {counts['truth_in_list']:,}"
    yield f"  fingerprint {entry.fingerprint}"
    yield f"-> {folder / entry.recipe.config}"


def question_lines(entry: Entry, question: Question, answer: bool) -> Iterator[str]:
    """One question, readable; the truth marked only where `answer`."""
    length = question.stop_s - question.start_s
    yield (
        f"{question.question_id}  [{entry.recipe.config}, {entry.recipe.split}]  video "
        f"{question.video_id}, {question.start_s:.2f}-{question.stop_s:.2f} s ({length:.2f} s)"
    )
    for prior in question.priors:
        yield f"  {prior.offset_s:.2f} s before: {prior.narration}"
    for i, (letter, text) in enumerate(zip(question.letters, question.choices, strict=True)):
        notes = []
        if answer and i == question.answer:
            notes.append("<- truth")
        if answer and question.concurrent[i] and i != question.answer:
            notes.append("(also annotated over half of this clip)")
        yield "  ".join([f"  {letter}. {text}", *notes])
    if answer:
        place = "not in the recogniser's list"
        if question.truth_rank is not None:
            place = f"the recogniser's number {question.truth_rank + 1}"
        if entry.recipe.distractor == "random":
            place = "random distractors"
        yield f"  narration: {question.narration}; class {question.action}; {place}"
