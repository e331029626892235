"""The frame store: every clip's frames as JPEG, decoded once, read by anything that reads Parquet.

A folder of shards, each made on its own, whole or not at all; so a killed run goes on with the
shards that are missing, and many machines share the work by shard number.
"""

from __future__ import annotations

import io
import json
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from ek100mqa import __version__
from ek100mqa.errors import Ek100Error, require
from ek100mqa.files import PARTIAL, write_whole
from ek100mqa.schema import Problem, Question
from ek100mqa.video.clips import ClipReader, by_time
from ek100mqa.video.frames import ClipError, Image

FORMAT = "ek100mqa.frames/1"
NAME = "frames.json"
_META = b"ek100mqa"
_ROWS_PER_GROUP = 16
SCHEMA = pa.schema(
    [
        pa.field("question_id", pa.string(), nullable=False),
        pa.field("frames", pa.list_(pa.binary()), nullable=False),
        pa.field("times_s", pa.list_(pa.float64()), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("error", pa.string()),
    ]
)


@dataclass(frozen=True)
class Settings:
    """What a store holds; two stores with the same settings and videos are the same."""

    config: str
    split: str
    fingerprint: str  #: of the benchmark's questions
    frames: int
    short_side: int | None
    quality: int  #: of the JPEGs
    backend: str
    questions: int
    clips_per_shard: int

    @property
    def shards(self) -> int:
        return max(1, -(-self.questions // self.clips_per_shard))


class StoredClip(NamedTuple):
    """A clip of a frame store."""

    question_id: str
    frames: list[bytes]  #: JPEG
    times_s: list[float]  #: from the start of the clip
    source: str  #: the files they were decoded from
    error: str | None  #: why there are no frames


def shard_path(folder: Path, index: int, settings: Settings) -> Path:
    return folder / f"frames-{index:05d}-of-{settings.shards:05d}.parquet"


def in_order(questions: Sequence[Question]) -> list[Question]:
    """The questions in the order of the shards: by video and time."""
    return sorted(questions, key=by_time)


def shard_questions(
    ordered: Sequence[Question], index: int, settings: Settings
) -> Sequence[Question]:
    """The questions of one shard."""
    start = index * settings.clips_per_shard
    return ordered[start : start + settings.clips_per_shard]


def begin(folder: Path, settings: Settings) -> None:
    """Make the folder, or check that the store in it has the same settings."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    if not path.exists():
        others = [p for p in folder.iterdir() if not p.name.startswith(".")]
        if others and not path.exists():  # another process may have begun it just now
            raise Ek100Error(f"{folder}: has files but no {NAME}; choose an empty or new folder")
        content = {"format": FORMAT, **asdict(settings), "tool_version": __version__}
        write_whole(path, json.dumps(content, indent=2).encode() + b"\n")
        card = "---\nlicense: cc-by-nc-4.0\nconfigs:\n- config_name: default\n"
        card += f"  data_files: frames-*.parquet\n---\n\nFrames of {settings.config}, "
        card += f"{settings.split}: {settings.frames} a clip. Not for publishing.\n"
        write_whole(folder / "README.md", card.encode())
        return
    there = read_settings(folder)
    different = [
        f"{name} {value!r} there, {vars(settings)[name]!r} asked"
        for name, value in vars(there).items()
        if value != vars(settings)[name]
    ]
    if different:
        raise Ek100Error(
            f"{folder}: a frame store with other settings ({'; '.join(different)}); "
            "choose another folder, or delete this one"
        )


def read_settings(folder: Path) -> Settings:
    """The settings of a store."""
    path = folder / NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = content.pop("format")
        if found != FORMAT:
            raise Ek100Error(f"{path}: its format is {found!r}; this version reads {FORMAT!r}")
        content.pop("tool_version")
        return Settings(**content)
    except FileNotFoundError as error:
        raise Ek100Error(
            f"{folder}: no {NAME}, so it is not a frame store; "
            "make one with: ek100mqa clips extract DIR --videos VIDEOS --out FRAMES"
        ) from error
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Ek100Error(f"{path}: not the settings of a frame store ({error!r})") from error


def encode_jpeg(image: Image, quality: int) -> bytes:
    """RGB [height, width, 3] -> JPEG."""
    pictures = require("PIL.Image", "video")
    buffer = io.BytesIO()
    pictures.fromarray(image).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def make_shard(
    folder: Path, index: int, settings: Settings, questions: Sequence[Question], reader: ClipReader
) -> int:
    """Decode and write one shard; returns how many of its clips have no frames."""
    clips: dict[str, StoredClip] = {}
    root = reader.videos.root
    for question, result in reader.read_many(questions):
        name = question.question_id
        if isinstance(result, ClipError):
            clips[name] = StoredClip(name, [], [], "", str(result))
        else:
            jpegs = [encode_jpeg(image, settings.quality) for image in result.images]
            source = ", ".join(path.relative_to(root).as_posix() for path in result.sources)
            clips[name] = StoredClip(name, jpegs, result.times_s, source, None)
    rows = [clips[question.question_id] for question in questions]
    columns = {name: [clip[i] for clip in rows] for i, name in enumerate(StoredClip._fields)}
    errors = sum(clip.error is not None for clip in rows)
    meta = {_META: json.dumps({"format": FORMAT, "shard": index, "errors": errors})}
    table = pa.table(columns, schema=SCHEMA.with_metadata(meta))
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="none", row_group_size=_ROWS_PER_GROUP)
    write_whole(shard_path(folder, index, settings), sink.getvalue())
    return errors


def missing_shards(folder: Path, settings: Settings, retry_errors: bool = False) -> list[int]:
    """Shards that are not there yet, or hold clips that could not be read."""
    missing = []
    for index in range(settings.shards):
        path = shard_path(folder, index, settings)
        if not path.exists() or (retry_errors and shard_errors(path)):
            missing.append(index)
    return missing


def finish(folder: Path, settings: Settings) -> list[int]:
    """Once every shard is there, delete what killed runs left; returns those still missing."""
    missing = missing_shards(folder, settings)
    if not missing:
        for path in folder.glob(PARTIAL + "*"):
            path.unlink(missing_ok=True)
    return missing


def shard_errors(path: Path) -> int:
    """How many clips of a shard have no frames."""
    try:
        meta = json.loads(pq.read_schema(path).metadata[_META])
        return int(meta["errors"])
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise Ek100Error(f"{path}: damaged ({error}); delete it and extract again") from error


class FrameStore:
    """Reads a store: by question id, or all in order."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = read_settings(folder)
        missing = missing_shards(folder, self.settings)
        if missing:
            raise Ek100Error(
                f"{folder}: {len(missing)} of {self.settings.shards} shards are missing, the first "
                f"{missing[0]}; finish it with the same ek100mqa clips extract"
            )
        self._files = [
            pq.ParquetFile(shard_path(folder, index, self.settings))
            for index in range(self.settings.shards)
        ]
        self._rows = {
            name: (shard, row)
            for shard, file in enumerate(self._files)
            for row, name in enumerate(file.read(["question_id"]).column(0).to_pylist())
        }
        self._groups: OrderedDict[tuple[int, int], list[StoredClip]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, question_id: object) -> bool:
        return question_id in self._rows

    def __getitem__(self, question_id: str) -> StoredClip:
        shard, row = self._rows[question_id]
        return self._group(shard, row // _ROWS_PER_GROUP)[row % _ROWS_PER_GROUP]

    def __iter__(self) -> Iterator[StoredClip]:
        for shard, file in enumerate(self._files):
            for group in range(file.num_row_groups):
                yield from self._group(shard, group)

    def _group(self, shard: int, group: int) -> list[StoredClip]:
        key = shard, group
        if key not in self._groups:
            table = self._files[shard].read_row_group(group)
            columns = [table.column(name).to_pylist() for name in SCHEMA.names]
            self._groups[key] = [StoredClip(*row) for row in zip(*columns, strict=True)]
            if len(self._groups) > 8:
                self._groups.popitem(last=False)
        return self._groups[key]


def verify_store(folder: Path) -> list[Problem]:
    """Every problem of a frame store: missing shards, damaged files, frames that are not there."""
    pictures = require("PIL.Image", "video")
    problems: list[Problem] = []
    settings = read_settings(folder)
    seen: set[str] = set()
    for index in range(settings.shards):
        path = shard_path(folder, index, settings)
        try:
            table = pq.ParquetFile(path).read()
        except (OSError, pa.ArrowException) as error:
            problems.append(Problem(path.name, f"not readable ({error})"))
            continue
        if not table.schema.equals(SCHEMA, check_metadata=False):
            problems.append(Problem(path.name, "its columns are not those of a frame store"))
            continue
        for row in table.to_pylist():
            clip = StoredClip(**row)
            if clip.question_id in seen:
                problems.append(Problem(clip.question_id, "stands twice"))
            seen.add(clip.question_id)
            if clip.error is not None:
                problems.append(Problem(clip.question_id, clip.error))
                continue
            if not len(clip.frames) == len(clip.times_s) == settings.frames:
                problems.append(Problem(clip.question_id, f"{len(clip.frames)} frames"))
            for jpeg in clip.frames:
                if (problem := _jpeg_problem(jpeg, pictures)) is not None:
                    problems.append(Problem(clip.question_id, problem))
    if not problems and len(seen) != settings.questions:
        problems.append(Problem(NAME, f"{len(seen)} clips; expected {settings.questions}"))
    return problems


def _jpeg_problem(jpeg: bytes, pictures: Any) -> str | None:
    try:
        with pictures.open(io.BytesIO(jpeg)) as image:
            image.load()
    except (OSError, ValueError, SyntaxError) as error:
        return f"a frame is not readable ({error})"
    return None
