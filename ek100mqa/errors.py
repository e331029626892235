"""The one family of errors that a user sees: no traceback, exit code 2."""

from __future__ import annotations

import importlib
from types import ModuleType


class Ek100Error(Exception):
    """Something the user can put right.

    The message says where, what was found, what was expected and what to do.
    """


class MissingExtraError(Ek100Error):
    """An optional package is not installed; the message carries the pip line that brings it."""


def require(module: str, extra: str) -> ModuleType:
    """Import `module`, which the extra `extra` brings, or raise `MissingExtraError`."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != module.split(".")[0]:
            raise
        raise MissingExtraError(
            f"{module}: this needs a package that is not installed; "
            f"bring it with: pip install 'ek100mqa[{extra}]'"
        ) from error
