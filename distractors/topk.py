"""A recogniser's best K action classes for each clip, and the Parquet file that keeps them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from ek100mqa.errors import Ek100Error
from ek100mqa.files import write_whole

FORMAT = "ek100mqa.topk/1"
_META = b"ek100mqa"
MAGIC = b"PAR1"

Classes = npt.NDArray[np.int16]
Scores = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Source:
    """Where a top-k came from."""

    model: str
    split: str
    layout: str  #: avion, tim, epic-c1 or llavaction
    file: str
    sha256: str
    n_classes: int  #: action classes that were ranked


@dataclass(frozen=True)
class TopK:
    """Ranked action classes, best first; rows in order of narration id."""

    source: Source
    narration_ids: tuple[str, ...]
    verbs: Classes  #: [n_clips, k]
    nouns: Classes  #: [n_clips, k]
    scores: Scores | None  #: [n_clips, k]; None where the file gave ranks alone

    @property
    def k(self) -> int:
        return int(self.verbs.shape[1])


def best(scores: npt.NDArray[Any], k: int) -> npt.NDArray[np.intp]:
    """Columns of the k greatest scores of each row, best first; ties by column number.

    scores: [n, n_classes], finite. Returns [n, min(k, n_classes)].
    """
    n, n_classes = scores.shape
    if k >= n_classes:
        return np.argsort(-scores, axis=1, kind="stable")
    rows = np.arange(n)[:, None]
    columns = np.sort(np.argpartition(scores, n_classes - k, axis=1)[:, n_classes - k :], axis=1)
    chosen = scores[rows, columns]
    # A tie across the border leaves it open which column came in; decide those rows in full.
    tied = (scores >= chosen.min(axis=1, keepdims=True)).sum(axis=1) > k
    order = np.argsort(-chosen, axis=1, kind="stable")
    columns = columns[rows, order]
    if tied.any():
        columns[tied] = np.argsort(-scores[tied], axis=1, kind="stable")[:, :k]
    return columns


def write(path: Path, top: TopK) -> None:
    """Write beside, then rename."""
    n, k = top.verbs.shape
    columns: dict[str, pa.Array] = {
        "narration_id": pa.array(top.narration_ids, pa.string()),
        "verbs": _lists(top.verbs, pa.int16(), k),
        "nouns": _lists(top.nouns, pa.int16(), k),
    }
    if top.scores is not None:
        columns["scores"] = _lists(top.scores, pa.float32(), k)
    meta = {"format": FORMAT, **vars(top.source), "clips": n, "k": k}
    table = pa.table(columns).replace_schema_metadata({_META: json.dumps(meta)})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    write_whole(path, sink.getvalue())


def _lists(values: npt.NDArray[Any], kind: pa.DataType, k: int) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1), kind), k)


def is_cached(path: Path) -> bool:
    """Whether a file is cached scores (Parquet) rather than a recogniser's own file."""
    try:
        with open(path, "rb") as file:
            return file.read(4) == MAGIC
    except OSError as error:
        raise Ek100Error(f"{path}: cannot be read ({error.strerror or error})") from error


def read_meta(path: Path) -> dict[str, Any]:
    """The facts about a cached top-k file, without its rows."""
    try:
        return _meta(path, pq.read_schema(path))
    except (OSError, pa.ArrowException) as error:
        raise Ek100Error(f"{path}: not readable as Parquet ({error}); import it again") from error


_FACTS = {
    **{"format": str, "model": str, "split": str, "layout": str, "file": str, "sha256": str},
    **{"n_classes": int, "clips": int, "k": int},
}


def _meta(path: Path, schema: pa.Schema) -> dict[str, Any]:
    try:
        meta: dict[str, Any] = json.loads((schema.metadata or {})[_META])
        found = meta["format"]
        meta = {name: kind(meta[name]) for name, kind in _FACTS.items()}
    except (KeyError, ValueError, TypeError) as error:
        raise Ek100Error(
            f"{path}: a Parquet file, but not cached scores; "
            "make one with: ek100mqa scores import FILE --model NAME"
        ) from error
    if found != FORMAT:
        raise Ek100Error(
            f"{path}: its format is {found!r}; this version reads {FORMAT!r}; import it again"
        )
    return meta


def read(path: Path) -> TopK:
    """Read a cached top-k file."""
    try:
        table = pq.ParquetFile(path).read()
        meta = _meta(path, table.schema)
        n, k = table.num_rows, int(meta["k"])
        for name, kind in _TYPES.items():
            if name in table.schema.names and table.schema.field(name).type != kind(k):
                raise ValueError(f"{name} of type {table.schema.field(name).type}")
        return TopK(
            Source(**{name: meta[name] for name in Source.__dataclass_fields__}),
            tuple(table.column("narration_id").to_pylist()),
            _matrix(table, "verbs", np.int16, n, k),
            _matrix(table, "nouns", np.int16, n, k),
            _matrix(table, "scores", np.float32, n, k) if "scores" in table.schema.names else None,
        )
    except (OSError, pa.ArrowException, KeyError, ValueError, TypeError) as error:
        raise Ek100Error(f"{path}: damaged cached scores ({error}); import them again") from error


_TYPES: dict[str, Callable[[int], pa.DataType]] = {
    "narration_id": lambda k: pa.string(),
    "verbs": lambda k: pa.list_(pa.int16(), k),
    "nouns": lambda k: pa.list_(pa.int16(), k),
    "scores": lambda k: pa.list_(pa.float32(), k),
}


def _matrix(table: pa.Table, name: str, kind: type, n: int, k: int) -> npt.NDArray[Any]:
    values = table.column(name).combine_chunks().flatten()
    if values.null_count:
        raise ValueError(f"empty cells in {name}")
    return np.frombuffer(values.buffers()[1], kind)[values.offset :][: n * k].reshape(n, k)


def accuracy(top: TopK, truth: Sequence[tuple[int, int]], k: int) -> float:
    """Share of clips whose true (verb, noun) is among the best k."""
    wanted = np.array(truth, np.int16).reshape(-1, 2)
    hits = (top.verbs[:, :k] == wanted[:, :1]) & (top.nouns[:, :k] == wanted[:, 1:])
    return float(hits.any(axis=1).mean())
