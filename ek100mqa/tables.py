"""CSV files read by header name into columns, with file, line and value in every error."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from ek100mqa.errors import Ek100Error
from ek100mqa.published import BLOB_IDS, git_blob_id


@dataclass(frozen=True)
class InputFile:
    """A file that went into a build."""

    name: str
    sha256: str
    published: bool | None  #: it is the file EPIC-KITCHENS published; None where none is known


@dataclass(frozen=True)
class Table:
    """A CSV file in memory: chosen columns of text."""

    path: Path
    file: InputFile
    columns: dict[str, pa.Array]
    _content: bytes

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def rows(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """Each row as (row number from 0, cells of the chosen columns)."""
        return enumerate(zip(*(c.to_pylist() for c in self.columns.values()), strict=True))

    def require(self, column: str, good: pa.Array, expected: str) -> None:
        """Refuse the first row whose `good` is false or null, showing its cell in `column`."""
        if not pc.all(good, skip_nulls=False).as_py():
            wrong = next(row for row, fine in enumerate(good.to_pylist()) if not fine)
            raise self.error(wrong, column, expected)

    def error(self, row: int, column: str, expected: str) -> Ek100Error:
        """An error about one cell."""
        found = self.columns[column][row].as_py()
        return Ek100Error(
            f"{self.path}, line {self.line(row)}: {column} is {found!r}; expected {expected}"
        )

    def line(self, row: int) -> int:
        """The line of the file, from 1, on which a row ends."""
        csv.field_size_limit(max(csv.field_size_limit(), len(self._content)))
        reader = csv.reader(io.StringIO(self._content.decode("utf-8-sig"), newline=""))
        filled = (reader.line_num for cells in reader if cells)
        return next(line for number, line in enumerate(filled) if number == row + 1)


def read_table(path: Path, columns: Sequence[str]) -> Table:
    """Read a CSV file that has at least `columns`; a BOM and Windows line ends are fine."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Ek100Error(f"{path}: cannot be read ({error.strerror or error})") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Ek100Error(
            f"{path}, line {line}: byte 0x{content[error.start]:02x} is not UTF-8; "
            "save the file as UTF-8"
        ) from error
    try:
        rows = csv.reader(io.StringIO(text, newline=""))
        header = next((cells for cells in rows if cells), None)
    except csv.Error as error:
        raise Ek100Error(f"{path}, line 1: not readable as CSV ({error})") from error
    if header is None:
        raise Ek100Error(f"{path}: the file is empty; expected a header with {', '.join(columns)}")
    if missing := [name for name in columns if header.count(name) != 1]:
        raise Ek100Error(
            f"{path}, line 1: found the columns {', '.join(header)[:300]}; "
            f"expected {', '.join(missing)} among them, once"
        )
    table = _parse(path, content, columns)
    if table.num_rows == 0:
        raise Ek100Error(f"{path}: nothing below the header")
    blob_id = BLOB_IDS.get(path.name)
    published = None if blob_id is None else git_blob_id(content) == blob_id
    file = InputFile(path.name, hashlib.sha256(content).hexdigest(), published)
    chosen = {name: table.column(name).combine_chunks() for name in columns}
    return Table(path, file, chosen, content)


def _parse(path: Path, content: bytes, columns: Sequence[str]) -> pa.Table:
    """The chosen columns as text."""

    def parse(**options: Any) -> pa.Table:
        return pa_csv.read_csv(
            pa.BufferReader(content),
            pa_csv.ReadOptions(use_threads=not options),
            pa_csv.ParseOptions(newlines_in_values=True, **options),
            pa_csv.ConvertOptions(
                include_columns=columns,
                column_types=dict.fromkeys(columns, pa.string()),
                strings_can_be_null=False,
            ),
        )

    try:
        return parse()
    except pa.ArrowException as error:
        wrong: list[pa_csv.InvalidRow] = []

        def keep(row: pa_csv.InvalidRow) -> str:
            wrong.append(row)
            return "error"

        with suppress(pa.ArrowException):  # again, by one thread, which counts the rows
            parse(invalid_row_handler=keep)
        if not wrong:
            raise Ek100Error(f"{path}: not readable as CSV ({error})") from error
        row = wrong[0]
        raise Ek100Error(
            f"{path}, line {row.number}: found {row.actual_columns} cells, expected "
            f"{row.expected_columns} as in the header, in {row.text[:80]!r}; "
            "is a comma or a quote missing?"
        ) from error
