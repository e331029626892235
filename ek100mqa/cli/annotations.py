"""`ek100mqa annotations fetch`"""

from __future__ import annotations

from pathlib import Path

import click

from ek100mqa.cli.progress import download_bar
from ek100mqa.published import BLOB_IDS, COMMIT, URL


@click.group("annotations")
def command() -> None:
    """Bring EPIC-KITCHENS-100's annotation files."""


@command.command("fetch")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the files. [default: annotations/ in the cache, where build looks]",
)
@click.option("--url", default=URL, help="A mirror that holds the same files.")
@click.option("--force", is_flag=True, help="Replace files that have other content.")
def fetch(out: Path | None, url: str, force: bool) -> None:
    """Download the CSVs from their public repository, at a pinned commit.

    Each file is checked by its git blob id; one that is already there is not downloaded again.
    The files are CC BY-NC 4.0, by the EPIC-KITCHENS team.
    """
    from ek100mqa.fetch import fetch_annotations
    from ek100mqa.locate import cache_folder

    folder = out or cache_folder() / "annotations"
    with download_bar() as progress:
        fetched = fetch_annotations(folder, url, progress, force)
    there = len(BLOB_IDS) - len(fetched)
    click.echo(f"{folder}: {len(fetched)} files downloaded, {there} already there; all checked")
    click.echo(f"EPIC-KITCHENS-100 annotations at commit {COMMIT[:12]}, CC BY-NC 4.0")
