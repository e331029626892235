"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from ek100mqa.errors import Ek100Error

PARTIAL = ".partial-"


def write_whole(path: Path, content: Any) -> None:
    """Write bytes beside `path`, then rename; `Ek100Error` where that fails.

    content: bytes or anything with a buffer. Several processes may write the same file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{PARTIAL}{path.name}-")
        partial = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            partial.chmod(0o644)
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Ek100Error(f"{path}: cannot be written ({error.strerror or error})") from error
