"""A folder changes all at once or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ek100mqa import staging
from tests.test_benchmark import files


class BrokenError(Exception):
    """Stands for anything that may happen in the middle."""


@pytest.mark.parametrize(
    "failure", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt(), BrokenError()]
)
@pytest.mark.parametrize("at", range(4))
def test_a_failure_at_any_rename_leaves_the_folder_as_it_was(
    tmp_path: Path, failure: BaseException, at: int
) -> None:
    folder = tmp_path / "folder"
    (folder / "config").mkdir(parents=True)
    for name in ("manifest.json", "config/a", "config/b"):
        (folder / name).write_text(f"old {name}")
    before = files(folder)
    calls = 0

    def swap(source: Path, target: Path) -> None:
        nonlocal calls
        if calls == at:
            raise failure
        calls += 1
        os.replace(source, target)

    with (
        pytest.raises(type(failure)),
        staging.changed_at_once(folder, remove=[folder / "config/b"], swap=swap) as new,
    ):
        (new / "config").mkdir()
        (new / "other").mkdir()
        for name in ("manifest.json", "config/a", "config/c", "other/d"):
            (new / name).write_text("new")
    assert files(folder) == before
    assert sorted(p.name for p in folder.iterdir()) == ["config", "manifest.json"]


@pytest.mark.parametrize("at", range(4))
def test_a_kill_at_any_rename_is_put_back_before_the_next_change(tmp_path: Path, at: int) -> None:
    folder = tmp_path / "folder"
    (folder / "config").mkdir(parents=True)
    for name in ("manifest.json", "config/a", "config/b"):
        (folder / name).write_text(f"old {name}")
    before = files(folder)
    code = f"""
import os
from pathlib import Path
from ek100mqa import staging
calls = 0
def swap(source, target):
    global calls
    if calls == {at}:
        os._exit(9)
    calls += 1
    os.replace(source, target)
folder = Path({str(folder)!r})
with staging.changed_at_once(folder, remove=[folder / "config/b"], swap=swap) as new:
    (new / "config").mkdir()
    (new / "other").mkdir()
    for name in ("manifest.json", "config/a", "config/c", "other/d"):
        (new / name).write_text("new")
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == 9
    assert (folder / "manifest.json").read_text() == "old manifest.json"
    with staging.locked(folder):
        assert files(folder) == before
        assert not (folder / "other").exists()
