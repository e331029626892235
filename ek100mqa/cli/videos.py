"""A folder of videos as the options name it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ek100mqa.errors import Ek100Error
from ek100mqa.locate import annotations_folder
from ek100mqa.published import VIDEO_INFO
from ek100mqa.video.layouts import Videos, read_fps


def open_videos(root: Path, layout: Any, annotations: Path | None) -> Videos:
    """With the frame rates, where annotations are found: numbered frames alone need them."""
    try:
        folder = annotations_folder(annotations)
    except Ek100Error:
        if annotations is not None:
            raise
        return Videos(root, layout)
    if not (folder / VIDEO_INFO).exists():
        return Videos(root, layout)
    return Videos(root, layout, read_fps(folder))
