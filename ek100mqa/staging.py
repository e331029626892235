"""Change a folder all at once or not at all.

New files are written beside the old ones and swapped in by renames; whatever stops the work
(an error, a full disk, Ctrl-C) leaves the folder as it was.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ek100mqa.errors import Ek100Error
from ek100mqa.locate import cache_folder

PREFIX = ".partial-"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one process at a time change `folder`; the lock lies in the cache, not in the folder."""
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:32]
    lock = cache_folder() / "locks" / f"{name}.lock"
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock, timeout=600):
            yield
    except Timeout as error:
        raise Ek100Error(
            f"{folder}: another ek100mqa has been changing it for 10 minutes; wait for it to end"
        ) from error


@contextmanager
def changed_at_once(
    folder: Path, remove: Iterable[Path] = (), swap: Callable[[Path, Path], None] = os.replace
) -> Iterator[Path]:
    """Yield an empty folder to write into; its files then take their places in `folder`.

    `remove`: files of `folder` that go away in the same step. When anything fails, also in the
    middle of the swap, `folder` is as it was before. `swap` renames a file.
    """
    existed = folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(dir=folder, prefix=PREFIX))
    new, old = stage / "new", stage / "old"
    try:
        new.mkdir()
        yield new
        _swap(folder, new, old, remove, swap)
    except OSError as error:
        raise Ek100Error(
            f"{error.filename or folder}: cannot be written ({error.strerror or error}); "
            "nothing was changed"
        ) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        if not existed and not any(folder.iterdir()):
            folder.rmdir()


def _swap(
    folder: Path,
    new: Path,
    old: Path,
    remove: Iterable[Path],
    swap: Callable[[Path, Path], None],
) -> None:
    names = sorted(path.relative_to(new) for path in new.rglob("*") if path.is_file())
    leaving = {folder / name for name in names} | set(remove)
    undo: list[tuple[Path, Path]] = []
    made: list[Path] = []
    try:
        for path in sorted(leaving):
            if path.exists():
                kept = old / path.relative_to(folder)
                kept.parent.mkdir(parents=True, exist_ok=True)
                undo.append((kept, path))
                swap(path, kept)
        for name in names:
            parent = (folder / name).parent
            if not parent.exists():
                parent.mkdir(parents=True)
                made.append(parent)
            undo.append((folder / name, new / name))
            swap(new / name, folder / name)
    except BaseException:
        for source, target in reversed(undo):
            if source.exists():
                os.replace(source, target)
        for parent in reversed(made):
            if not any(parent.iterdir()):
                parent.rmdir()
        raise


def remove_leftovers(folder: Path) -> None:
    """Delete what a killed process left half-written."""
    for stage in folder.glob(PREFIX + "*"):
        if stage.is_dir():
            shutil.rmtree(stage, ignore_errors=True)
