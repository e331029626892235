"""Questions <-> Parquet shards; the schema is the public format (docs/formats.md)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.json as pa_json
import pyarrow.parquet as pq

from ek100mqa.errors import Ek100Error
from ek100mqa.schema import Action, Prior, Question

SCHEMA = pa.schema(
    [
        pa.field("question_id", pa.string(), nullable=False),
        pa.field("participant_id", pa.string(), nullable=False),
        pa.field("video_id", pa.string(), nullable=False),
        pa.field("start_s", pa.float64(), nullable=False),
        pa.field("stop_s", pa.float64(), nullable=False),
        pa.field("choices", pa.list_(pa.string()), nullable=False),
        pa.field("choice_verbs", pa.list_(pa.int16()), nullable=False),
        pa.field("choice_nouns", pa.list_(pa.int16()), nullable=False),
        pa.field("answer", pa.int8()),
        pa.field("narration", pa.string(), nullable=False),
        pa.field("verb_class", pa.int16(), nullable=False),
        pa.field("noun_class", pa.int16(), nullable=False),
        pa.field("truth_rank", pa.int32()),
        pa.field("concurrent", pa.list_(pa.bool_()), nullable=False),
        pa.field("prior_narrations", pa.list_(pa.string()), nullable=False),
        pa.field("prior_offsets_s", pa.list_(pa.float64()), nullable=False),
    ]
)


_encode = json.JSONEncoder(check_circular=False).encode


def to_table(questions: Sequence[Question]) -> pa.Table:
    """The questions as columns, in the given order.

    By way of JSON lines: pyarrow imports pandas (a quarter of a second) for Python lists.
    """
    lines = "\n".join(_encode(_row(question)) for question in questions)
    options = pa_json.ParseOptions(explicit_schema=SCHEMA, unexpected_field_behavior="error")
    return pa_json.read_json(pa.BufferReader(lines.encode()), parse_options=options).cast(SCHEMA)


def _row(question: Question) -> dict[str, object]:
    return {
        "question_id": question.question_id,
        "participant_id": question.participant_id,
        "video_id": question.video_id,
        "start_s": question.start_s,
        "stop_s": question.stop_s,
        "choices": question.choices,
        "choice_verbs": [action.verb for action in question.choice_actions],
        "choice_nouns": [action.noun for action in question.choice_actions],
        "answer": question.answer,
        "narration": question.narration,
        "verb_class": question.action.verb,
        "noun_class": question.action.noun,
        "truth_rank": question.truth_rank,
        "concurrent": question.concurrent,
        "prior_narrations": [prior.narration for prior in question.priors],
        "prior_offsets_s": [prior.offset_s for prior in question.priors],
    }


def from_table(table: pa.Table) -> list[Question]:
    """Columns back into questions."""
    columns = [table.column(name).to_pylist() for name in SCHEMA.names]
    return [
        Question(
            question_id=question_id,
            participant_id=participant_id,
            video_id=video_id,
            start_s=start_s,
            stop_s=stop_s,
            choices=tuple(choices),
            choice_actions=tuple(Action(v, n) for v, n in zip(verbs, nouns, strict=True)),
            answer=answer,
            narration=narration,
            action=Action(verb, noun),
            truth_rank=truth_rank,
            concurrent=tuple(concurrent),
            priors=tuple(
                Prior(text, offset)
                for text, offset in zip(prior_narrations, prior_offsets, strict=True)
            ),
        )
        for (
            question_id,
            participant_id,
            video_id,
            start_s,
            stop_s,
            choices,
            verbs,
            nouns,
            answer,
            narration,
            verb,
            noun,
            truth_rank,
            concurrent,
            prior_narrations,
            prior_offsets,
        ) in zip(*columns, strict=True)
    ]


def shard_name(split: str, index: int, count: int) -> str:
    """The Hub's naming: `validation-00000-of-00001.parquet`."""
    return f"{split}-{index:05d}-of-{count:05d}.parquet"


def write_shards(
    folder: Path, split: str, questions: Sequence[Question], rows_per_shard: int
) -> list[Path]:
    """Write the questions into `folder`, at most `rows_per_shard` to a file; returns the files."""
    count = max(1, -(-len(questions) // rows_per_shard))
    paths = []
    for index in range(count):
        rows = questions[index * rows_per_shard : (index + 1) * rows_per_shard]
        path = folder / shard_name(split, index, count)
        pq.write_table(to_table(rows), path, compression="zstd", write_statistics=True)
        paths.append(path)
    return paths


def _has_nulls(table: pa.Table) -> str | None:
    """The first column with a null where there may be none, in cells or in their lists."""
    for field in SCHEMA:
        column = table.column(field.name)
        lists = pa.types.is_list(field.type)
        inner = sum(chunk.values.null_count for chunk in column.chunks) if lists else 0
        if inner or (column.null_count and not field.nullable):
            return str(field.name)
    return None


def read_shards(paths: Iterable[Path]) -> list[Question]:
    """Read shards back; `Ek100Error` where one is missing, damaged or has other columns."""
    questions: list[Question] = []
    for path in paths:
        try:
            table = pq.ParquetFile(path).read()
        except (OSError, pa.ArrowException) as error:
            raise Ek100Error(
                f"{path}: not readable as Parquet ({error}); fetch or build the benchmark again"
            ) from error
        if not table.schema.equals(SCHEMA, check_metadata=False):
            raise Ek100Error(
                f"{path}: its columns are not those of this format; found "
                f"{', '.join(f'{f.name}: {f.type}' for f in table.schema)}"
            )
        if name := _has_nulls(table):
            raise Ek100Error(f"{path}: empty cells in {name}; fetch or build the benchmark again")
        try:
            questions.extend(from_table(table))
        except ValueError as error:
            raise Ek100Error(f"{path}: lists of unequal length that belong together") from error
    return questions
