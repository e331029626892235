"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path

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
