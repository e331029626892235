"""`annotations fetch` against a real HTTP server on this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ek100mqa import fetch, published
from tests.conftest import Run

FILES = {"a.csv": b"id\n1\n", "b.csv": b"id\n" + b"2\n" * 50_000}


class Mirror(ThreadingHTTPServer):
    """Serves FILES; `misbehave` says how, once for each path."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.misbehave: dict[str, str] = {}
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/ids/"


class Handler(BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self) -> None:
        name = urlsplit(self.path).path.removeprefix("/ids/").removeprefix("moved/")
        self.server.asked.append(name)
        how = self.server.misbehave.pop(name, "")
        if how == "missing":
            self.send_error(404)
            return
        if how == "moved":
            self.send_response(302)
            self.send_header("Location", f"/ids/moved/{name}")
            self.end_headers()
            return
        content = FILES[name]
        if how == "changed":
            content = content[:-1] + b"x"
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if how == "cut":
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            self.connection.close()
            return
        self.wfile.write(content * (1000 if how == "endless" else 1))

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    ids = {name: published.git_blob_id(content) for name, content in FILES.items()}
    monkeypatch.setattr(fetch, "BLOB_IDS", ids)
    with Mirror() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def there(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_file_is_brought_once(run: Run, mirror: Mirror, tmp_path: Path) -> None:
    fetched = run("annotations", "fetch", "--url", mirror.url, "--out", tmp_path / "new" / "epic")
    assert fetched.exit_code == 0, fetched.output
    assert there(tmp_path / "new" / "epic") == FILES
    again = run("annotations", "fetch", "--url", mirror.url, "--out", tmp_path / "new" / "epic")
    assert "0 files downloaded" in again.output
    assert sorted(mirror.asked) == ["a.csv", "b.csv"]


def test_a_redirect_is_followed(run: Run, mirror: Mirror, tmp_path: Path) -> None:
    mirror.misbehave["a.csv"] = "moved"
    assert run("annotations", "fetch", "--url", mirror.url, "--out", tmp_path / "e").exit_code == 0
    assert there(tmp_path / "e") == FILES


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("missing", "404"),
        ("changed", "not the published file (git blob id"),
        ("cut", "the download failed"),
    ],
)
def test_what_comes_damaged_is_not_kept(
    run: Run, mirror: Mirror, tmp_path: Path, how: str, expected: str
) -> None:
    mirror.misbehave["b.csv"] = how
    fetch_again = ("annotations", "fetch", "--url", mirror.url, "--out", tmp_path / "e")
    failed = run(*fetch_again)
    assert failed.exit_code == 2
    assert expected in failed.output and "b.csv" in failed.output
    assert there(tmp_path / "e") == {"a.csv": FILES["a.csv"]}
    assert run(*fetch_again).exit_code == 0
    assert there(tmp_path / "e") == FILES


def test_a_file_that_never_ends_is_given_up(
    run: Run, mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_LARGEST", 1000)
    failed = run("annotations", "fetch", "--url", mirror.url, "--out", tmp_path / "e")
    assert failed.exit_code == 2 and "far smaller" in failed.output


def test_no_server_is_one_clear_error(run: Run, mirror: Mirror, tmp_path: Path) -> None:
    for url in ("http://127.0.0.1:9/x", "not a url", "ftp://127.0.0.1/"):
        failed = run("annotations", "fetch", "--url", url, "--out", tmp_path / "e")
        assert failed.exit_code == 2 and "--url" in failed.output


def test_a_file_with_other_content_is_replaced_only_when_asked(
    run: Run, mirror: Mirror, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_bytes(b"old")
    fetch_here = ("annotations", "fetch", "--url", mirror.url, "--out", tmp_path)
    refused = run(*fetch_here)
    assert refused.exit_code == 2 and "a.csv there with other content" in refused.output
    assert (tmp_path / "a.csv").read_bytes() == b"old"
    assert run(*fetch_here, "--force").exit_code == 0
    assert (tmp_path / "a.csv").read_bytes() == FILES["a.csv"]


def test_all_published_files_have_an_id(epic_folder: Path) -> None:
    wrong = [
        name
        for name, blob_id in published.BLOB_IDS.items()
        if published.git_blob_id((epic_folder / name).read_bytes()) != blob_id
    ]
    assert wrong in ([], [published.TRAIN])
