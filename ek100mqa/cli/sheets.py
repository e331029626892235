"""Contact sheets for `show`: PNG files, or one page."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

import click

from ek100mqa.cli.report import question_lines
from ek100mqa.files import write_whole
from ek100mqa.manifest import Entry
from ek100mqa.schema import Question
from ek100mqa.video.clips import ClipReader
from ek100mqa.video.sheet import contact_sheet

Shown = tuple[Entry, Question]


def write_pngs(shown: Sequence[Shown], reader: ClipReader, answer: bool, png: Path | None) -> Path:
    """One PNG a question; returns the last. A clip that cannot be read is an error."""
    path = Path()
    for entry, question in shown:
        name = f"{question.question_id}-{entry.recipe.config}.png"
        path = png if png is not None and len(shown) == 1 else Path(name)
        write_whole(path, _image(entry, question, reader, answer, "PNG"))
        click.echo(f"-> {path}")
    return path


def write_page(shown: Sequence[Shown], reader: ClipReader, answer: bool, html: Path) -> None:
    """One self-contained page; a clip that cannot be read is named on it."""
    import jinja2

    from ek100mqa.video.frames import ClipError

    sheets = []
    for entry, question in shown:
        sheet = {
            "name": question.question_id,
            "text": "; ".join(line.strip() for line in question_lines(entry, question, answer)),
        }
        try:
            image = _image(entry, question, reader, answer, "JPEG")
            sheet["jpeg"] = base64.b64encode(image).decode()
        except ClipError as error:
            sheet["error"] = str(error)
        sheets.append(sheet)
    environment = jinja2.Environment(loader=jinja2.PackageLoader("ek100mqa"), autoescape=True)
    title = f"{len(sheets)} questions"
    page = environment.get_template("show.html.j2").render(title=title, sheets=sheets)
    write_whole(html, page.encode())
    click.echo(f"-> {html}")


def _image(entry: Entry, question: Question, reader: ClipReader, answer: bool, kind: str) -> bytes:
    frames = reader.read(question)
    title = f"{question.question_id} · {entry.recipe.config} · {question.video_id}, "
    title += f"{question.start_s:.2f}-{question.stop_s:.2f} s"
    sheet = contact_sheet(question, title, frames.images, frames.times_s, answer)
    buffer = io.BytesIO()
    sheet.save(buffer, kind, **({"quality": 88} if kind == "JPEG" else {}))
    return buffer.getvalue()
