"""Download EPIC's annotation files, each checked by its git blob id."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ek100mqa.errors import Ek100Error
from ek100mqa.files import write_whole
from ek100mqa.published import BLOB_IDS, URL, git_blob_id

if TYPE_CHECKING:
    import httpx

_LARGEST = 64 << 20  # bytes; the largest published file has 8.3 MB
Progress = Callable[[str, int, int | None], None]


def fetch_annotations(
    folder: Path, url: str = URL, progress: Progress | None = None, force: bool = False
) -> list[str]:
    """Bring every published file into `folder`; returns the names of those downloaded.

    A file that is there with the right content is not downloaded again. A file gets its name
    only when it is whole and its git blob id is the published one, so that nothing half-written
    is left. `progress` is called with (file name, bytes so far, bytes in all or None).
    """
    import httpx

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Ek100Error(f"{folder}: cannot be made ({error.strerror})") from error
    changed = [n for n in BLOB_IDS if (folder / n).is_file() and not _published(folder / n)]
    if changed and not force:
        raise Ek100Error(
            f"{folder}: {', '.join(changed)} there with other content than the published; "
            "move it away, fetch into another folder with --out, or replace it with --force"
        )
    try:
        client = httpx.Client(follow_redirects=True, timeout=httpx.Timeout(30.0))
    except (ImportError, ValueError) as error:  # a proxy that httpx cannot use
        raise Ek100Error(f"the proxy of the environment cannot be used ({error})") from error
    fetched = []
    with client:
        for name, blob_id in BLOB_IDS.items():
            path = folder / name
            if path.is_file() and _published(path):
                continue
            address = f"{url.rstrip('/')}/{name}"
            try:
                content = _download(client, address, name, progress)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise Ek100Error(
                    f"{address}: the download failed ({error or type(error).__name__}); "
                    "try again, or name a mirror with --url"
                ) from error
            if (found := git_blob_id(content)) != blob_id:
                raise Ek100Error(
                    f"{address}: not the published file (git blob id {found}, expected {blob_id}); "
                    "nothing was kept of it; try again, or name another mirror with --url"
                )
            write_whole(path, content)
            fetched.append(name)
    return fetched


def _published(path: Path) -> bool:
    return git_blob_id(path.read_bytes()) == BLOB_IDS[path.name]


def _download(client: httpx.Client, address: str, name: str, progress: Progress | None) -> bytes:
    content = bytearray()
    with client.stream("GET", address) as response:
        response.raise_for_status()
        length = response.headers.get("Content-Length", "")
        total = int(length) if length.isdigit() else None
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > _LARGEST:
                raise Ek100Error(
                    f"{address}: more than {_LARGEST >> 20} MB came; expected {name}, "
                    "which is far smaller; is the mirror's address right?"
                )
            if progress:
                progress(name, len(content), total)
    return bytes(content)
