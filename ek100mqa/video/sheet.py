"""The contact sheet: a clip's frames with their times, the question and its options."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from ek100mqa.errors import require
from ek100mqa.schema import Question
from ek100mqa.video.frames import Image

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

_WIDTH = 1280
_MARGIN = 12
_PAPER, _INK, _GREY, _GREEN = (250, 250, 248), (20, 20, 20), (110, 110, 110), (0, 110, 60)


def contact_sheet(
    question: Question,
    title: str,
    images: list[Image],
    times_s: list[float],
    answer: bool = False,
) -> PillowImage:
    """A picture 1280 pixels wide; the truth is marked only where `answer`.

    images: n of [height, width, 3]; times_s: seconds from the start of the clip.
    """
    require("PIL", "video")
    from PIL import Image as Pictures
    from PIL import ImageDraw, ImageFont

    columns = min(4, len(images))
    width = (_WIDTH - _MARGIN * (columns + 1)) // columns
    tallest = max(image.shape[0] * width // image.shape[1] for image in images)
    row_height = tallest + 30
    rows = -(-len(images) // columns)
    lines = _lines(question, answer)
    height = 60 + rows * row_height + 34 * len(lines) + 2 * _MARGIN
    sheet = Pictures.new("RGB", (_WIDTH, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    small, large = ImageFont.load_default(16), ImageFont.load_default(22)
    pen.text((_MARGIN, _MARGIN), _drawable(title), fill=_INK, font=large)
    for number, (image, time_s) in enumerate(zip(images, times_s, strict=True)):
        left = _MARGIN + number % columns * (width + _MARGIN)
        top = 52 + number // columns * row_height
        size = (width, image.shape[0] * width // image.shape[1])
        sheet.paste(Pictures.fromarray(image).resize(size), (left, top))
        place = (left, top + size[1] + 3)
        pen.text(place, f"{number + 1}   {time_s:.2f} s", fill=_GREY, font=small)
    for number, (text, is_truth) in enumerate(lines):
        place = (_MARGIN, 56 + rows * row_height + 34 * number)
        pen.text(place, _drawable(text), fill=_GREEN if is_truth else _INK, font=large)
    return sheet


def _lines(question: Question, answer: bool) -> list[tuple[str, bool]]:
    """Texts below the pictures, and whether each is the marked truth."""
    lines = [
        (f"{prior.offset_s:.2f} s before: {prior.narration}", False) for prior in question.priors
    ]
    for i, (letter, text) in enumerate(zip(question.letters, question.choices, strict=True)):
        truth = answer and i == question.answer
        lines.append((f"{letter}.  {text}" + ("   <- truth" if truth else ""), truth))
    return lines


def _drawable(text: str) -> str:
    return textwrap.shorten(text, 110, placeholder=" …")
