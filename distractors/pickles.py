"""Read a stranger's pickle or .pt file without running anything in it.

The unpickler knows numpy arrays and plain containers; any other name in the file is refused
before it is looked up.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from ek100mqa.errors import Ek100Error, require


def _latin1(text: str, encoding: str) -> bytes:
    """Stands for `_codecs.encode`, by which old protocols carry bytes; knows latin1 alone."""
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"bytes encoded as {encoding!r}")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """Stands for `bytes`, by which protocol 2 writes the empty ones; takes no argument."""
    return b""


def _numpy_names() -> dict[tuple[str, str], Any]:
    reconstruct = np.empty(0).__reduce__()[0]
    scalar = np.float64(0).__reduce__()[0]
    from_buffer = np.empty(1).__reduce_ex__(5)[0]
    names: dict[tuple[str, str], Any] = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("collections", "OrderedDict"): OrderedDict,
        ("_codecs", "encode"): _latin1,
        ("__builtin__", "bytes"): _no_bytes,
    }
    for core in ("numpy.core", "numpy._core"):  # numpy 1 and numpy 2 write different names
        names[f"{core}.multiarray", "_reconstruct"] = reconstruct
        names[f"{core}.multiarray", "scalar"] = scalar
        names[f"{core}.numeric", "_frombuffer"] = from_buffer
    return names


_ALLOWED = _numpy_names()


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it names {module}.{name}, which is neither a numpy array nor a plain container"
            ) from None

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("it refers to something outside of itself")


def load_pickle(path: Path) -> Any:
    """The content of a pickle of numpy arrays and plain containers.

    `Ek100Error` for everything else, with what was found; nothing of the file is run.
    """
    try:
        with open(path, "rb") as file:
            return _Unpickler(file).load()
    except (MemoryError, RecursionError) as error:
        raise Ek100Error(
            f"{path}: it asks for more memory or depth than there is ({type(error).__name__}); "
            "expected numpy arrays and plain containers"
        ) from error
    except Exception as error:  # a broken pickle raises nearly anything
        raise Ek100Error(
            f"{path}: not read as a pickle: {str(error) or type(error).__name__}. Expected numpy "
            "arrays in plain containers; write the file again with pickle.dump of such"
        ) from error


def load_torch(path: Path) -> Any:
    """The content of a .pt file, by `torch.load(weights_only=True)`; needs torch."""
    torch = require("torch", "local")
    numpy_types: list[Any] = [
        *(value for key, value in _ALLOWED.items() if key[0].startswith("numpy")),
        *{type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i4", "i8", "U1", "O")},
    ]
    try:
        with torch.serialization.safe_globals(numpy_types):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # likewise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise Ek100Error(
            f"{path}: not read as a .pt file with weights_only: {reason}. Expected tensors or "
            "numpy arrays in plain containers"
        ) from error
