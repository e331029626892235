"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

split_option = click.option(
    "--split",
    type=click.Choice(["validation", "train"]),
    default="validation",
    show_default=True,
    help="Which split of EPIC-KITCHENS-100.",
)
annotations_option = click.option(
    "--annotations",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of EPIC's CSVs. [default: EK100_ANNOTATIONS, "
    "./epic-kitchens-100-annotations, the cache]",
)
benchmark_argument = click.argument(
    "folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
layout_option = click.option(
    "--layout",
    type=click.Choice(["epic", "chunks", "clips", "frames"]),
    help="How the videos lie. [default: told apart for each clip]",
)


def video_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--videos and --layout."""
    videos = click.option(
        "--videos",
        required=True,
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Folder of EPIC's videos, in any layout.",
    )
    return videos(layout_option(command))
