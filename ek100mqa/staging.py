"""Change a folder all at once or not at all.

New files are written beside the old ones and put in their places by renames, the manifest last.
Whatever stops the work (an error, a full disk, Ctrl-C) leaves the folder as it was; after a
kill or a power cut, `recover` puts it back before the next change.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from ek100mqa.errors import Ek100Error
from ek100mqa.files import PARTIAL

LOCK = ".ek100mqa.lock"
LAST = "manifest.json"  #: names the others, so it is swapped in after them
_JOURNAL = "journal.json"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one process at a time, on any machine, change `folder`; recovers it first.

    The lock is a hidden file in the folder. A folder that was not there and gets no file is
    gone again afterwards.
    """
    existed = folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / LOCK, timeout=600):
            recover(folder)
            yield
    except Timeout as error:
        raise Ek100Error(
            f"{folder}: another ek100mqa has been changing it for 10 minutes; wait for it to end"
        ) from error
    except OSError as error:
        raise Ek100Error(
            f"{error.filename or folder}: cannot be written ({error.strerror or error}); "
            "nothing was changed"
        ) from error
    finally:
        if not existed and [path.name for path in _listed(folder)] == [LOCK]:
            shutil.rmtree(folder, ignore_errors=True)


def _listed(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


@contextmanager
def changed_at_once(
    folder: Path, remove: Iterable[Path] = (), swap: Callable[[Path, Path], None] = os.replace
) -> Iterator[Path]:
    """Yield an empty folder to write into; its files then take their places in `folder`.

    `remove`: files of `folder` that go away in the same step. When anything fails, also in the
    middle of the swap, `folder` is as it was before. `swap` renames a file. Call it `locked`.
    """
    stage = Path(tempfile.mkdtemp(dir=folder, prefix=PARTIAL))
    try:
        new = stage / "new"
        new.mkdir()
        yield new
        names = sorted(
            (path.relative_to(new) for path in new.rglob("*") if path.is_file()),
            key=lambda name: (name.name == LAST, name),
        )
        going = sorted({path.relative_to(folder) for path in remove} - set(names))
        _keep_old(folder, stage, [*names, *going])
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            swap(new / name, folder / name)
        for name in going:
            (folder / name).unlink()
        (stage / _JOURNAL).unlink()  # from here on the change stands
    except BaseException:
        _put_back(folder, stage)
        raise
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _keep_old(folder: Path, stage: Path, names: list[Path]) -> None:
    """Links to every file that will change, and a list of all, from which to put them back."""
    for name in names:
        if (folder / name).exists():
            kept = stage / "old" / name
            kept.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(folder / name, kept)
            except OSError:  # a file system without links
                shutil.copy2(folder / name, kept)
    partial = stage / "journal"
    partial.write_text(json.dumps([name.as_posix() for name in names]), encoding="utf-8")
    os.replace(partial, stage / _JOURNAL)


def _put_back(folder: Path, stage: Path) -> None:
    """Undo a swap that did not come to its end."""
    if not (stage / _JOURNAL).exists():
        return
    for name in json.loads((stage / _JOURNAL).read_text(encoding="utf-8")):
        kept = stage / "old" / name
        if kept.exists():
            os.replace(kept, folder / name)
        else:
            (folder / name).unlink(missing_ok=True)
            with suppress(OSError):  # its folder, where nothing else is in it
                (folder / name).parent.rmdir()
    (stage / _JOURNAL).unlink()


def recover(folder: Path) -> None:
    """Put back what a killed process was changing, and delete what it left."""
    for stage in folder.glob(PARTIAL + "*"):
        if stage.is_dir():
            _put_back(folder, stage)
            shutil.rmtree(stage, ignore_errors=True)
