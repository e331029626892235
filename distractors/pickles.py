"""Read a stranger's pickle or .pt file without running anything in it.

A pickle is a program. Of its operations only those are known here that make plain containers,
texts, numbers and numpy arrays; numpy itself never sees what the file says of an array before
it is checked, since its own unpickling trusts dtypes (a made-up one reads any memory). Whatever
else a file names is refused before it is looked up.
"""

from __future__ import annotations

import math
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ek100mqa.errors import Ek100Error, require

_PLAIN_DTYPE = re.compile(r"[?]|b1|[iu][1248]|f[248]|[SU]\d{1,6}|O8?", re.ASCII)
_MOST_ITEMS = 1 << 40


class _DType:
    """What a pickle says of a dtype: plain numbers, texts or objects; no fields, no subarrays."""

    def __init__(self, name: str, align: object = False, copy: object = True) -> None:
        if not isinstance(name, str) or not _PLAIN_DTYPE.fullmatch(name):
            raise pickle.UnpicklingError(f"an array of type {name!r}")
        self._name, self._order = name, "="

    def __setstate__(self, state: Any) -> None:
        _, order, subarray, names, fields, *_ = state
        if subarray is not None or names is not None or fields is not None:
            raise pickle.UnpicklingError("an array with fields")
        if order not in ("<", ">", "=", "|"):  # the last where bytes have no order
            raise pickle.UnpicklingError(f"a byte order {order!r}")
        self._order = order

    def build(self) -> np.dtype[Any]:
        return np.dtype(f"{self._order}{self._name}")


class _Array:
    """What a pickle says of an array; `build` checks it and makes the array."""

    def __init__(self, *_: object) -> None:
        self._parts: tuple[Any, ...] | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, is_fortran, data = state
        self._parts = shape, dtype, "F" if is_fortran else "C", data

    @classmethod
    def of(cls, data: object, dtype: object, shape: object, order: object) -> _Array:
        array = cls()
        array._parts = shape, dtype, order, data
        return array

    def build(self, plain: Callable[[Any], Any]) -> np.ndarray:
        if self._parts is None:
            raise pickle.UnpicklingError("an array without content")
        shape, dtype, order, data = self._parts
        if not isinstance(dtype, _DType) or order not in ("C", "F"):
            raise pickle.UnpicklingError("an array without a type")
        if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
            raise pickle.UnpicklingError(f"an array of shape {shape!r}")
        kind, items = dtype.build(), math.prod(shape)
        if items > _MOST_ITEMS:
            raise MemoryError
        if kind.hasobject:
            if not isinstance(data, list) or len(data) != items:
                raise pickle.UnpicklingError("an array of objects with another number of them")
            flat = np.empty(items, dtype=object)
            for index, thing in enumerate(data):
                flat[index] = plain(thing)
        else:
            if not isinstance(data, (bytes, bytearray)) or len(data) != items * kind.itemsize:
                raise pickle.UnpicklingError("an array whose content is too short or too long")
            flat = np.frombuffer(data, kind)
        return flat.reshape(shape, order=order)


class _Scalar:
    """What a pickle says of a numpy scalar."""

    def __init__(self, dtype: object, data: object) -> None:
        self._array = _Array.of(data, dtype, (1,), "C")

    def build(self, plain: Callable[[Any], Any]) -> Any:
        return self._array.build(plain)[0].item()


def _latin1(text: object, encoding: object) -> bytes:
    """Stands for `_codecs.encode`, by which old protocols carry bytes."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"bytes encoded as {encoding!r}")
    return text.encode("latin1")


_NDARRAY = "numpy.ndarray"  # only ever an argument of _reconstruct
_NAMES: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _DType,
    ("collections", "OrderedDict"): dict,
    ("_codecs", "encode"): _latin1,
    ("__builtin__", "bytes"): lambda: b"",  # protocol 2 writes empty bytes so
}
for _core in ("numpy.core", "numpy._core"):  # numpy 1 and numpy 2 write different names
    _NAMES[f"{_core}.multiarray", "_reconstruct"] = _Array
    _NAMES[f"{_core}.multiarray", "scalar"] = _Scalar
    _NAMES[f"{_core}.numeric", "_frombuffer"] = _Array.of

_OPERATIONS = """
PROTO FRAME STOP MARK POP POP_MARK DUP NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1
LONG4 FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE
BINUNICODE8 BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8 EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3
EMPTY_LIST LIST APPEND APPENDS EMPTY_DICT DICT SETITEM SETITEMS GET BINGET LONG_BINGET PUT BINPUT
LONG_BINPUT MEMOIZE GLOBAL STACK_GLOBAL REDUCE BUILD
"""


class _Unpickler(pickle._Unpickler):  # the one in Python, whose operations can be chosen
    stack: list[Any]
    append: Callable[[Any], None]
    pop_mark: Callable[[], list[Any]]
    dispatch: ClassVar[dict[int, Any]] = {
        op: pickle._Unpickler.dispatch[op]
        for op in (getattr(pickle, name)[0] for name in _OPERATIONS.split())
    }

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _NAMES[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"it names {module}.{name}, which is neither a numpy array nor a plain container"
            ) from None

    def load_reduce(self) -> None:
        arguments, function = self.stack.pop(), self.stack[-1]
        if not any(function is known for known in _CALLABLE):
            raise pickle.UnpicklingError("it calls something that is not a name")
        self.stack[-1] = function(*arguments)

    def load_build(self) -> None:
        state, thing = self.stack.pop(), self.stack[-1]
        if not isinstance(thing, (_DType, _Array)):
            raise pickle.UnpicklingError(f"it sets the state of a {type(thing).__name__}")
        thing.__setstate__(state)

    def load_dict(self) -> None:
        items = self.pop_mark()
        self.append({})
        self._set(items)

    def load_setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set([key, value])

    def load_setitems(self) -> None:
        self._set(self.pop_mark())

    def _set(self, items: list[Any]) -> None:
        target = self.stack[-1]
        keys = items[::2]
        if type(target) is not dict or not all(type(key) in (str, int) for key in keys):
            raise pickle.UnpicklingError("a dict whose keys are not texts or numbers")
        target.update(zip(keys, items[1::2], strict=True))

    dispatch[pickle.REDUCE[0]] = load_reduce
    dispatch[pickle.BUILD[0]] = load_build
    dispatch[pickle.DICT[0]] = load_dict
    dispatch[pickle.SETITEM[0]] = load_setitem
    dispatch[pickle.SETITEMS[0]] = load_setitems


_CALLABLE = [value for value in _NAMES.values() if callable(value)]


def _plain(thing: Any) -> Any:
    """Containers with real arrays and scalars in the place of their descriptions."""
    if isinstance(thing, (_Array, _Scalar)):
        return thing.build(_plain)
    if isinstance(thing, dict):
        return {key: _plain(value) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return type(thing)(_plain(value) for value in thing)
    if thing is None or isinstance(thing, (str, bytes, bytearray, bool, int, float)):
        return thing
    raise pickle.UnpicklingError("it holds something that is neither an array nor a container")


def load_pickle(path: Path) -> Any:
    """The content of a pickle of numpy arrays and plain containers.

    `Ek100Error` for everything else, with what was found; nothing of the file is run.
    """
    try:
        with open(path, "rb") as file:
            return _plain(_Unpickler(file).load())
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
    """The content of a .pt file, by `torch.load(weights_only=True)`; needs torch.

    Numpy arrays in it are built by the same checked descriptions as those of a pickle.
    """
    torch = require("torch", "local")
    stand_ins = [
        (value, ".".join(key))
        for key, value in _NAMES.items()
        if key[0].startswith("numpy") and value is not _NDARRAY
    ]
    try:
        with torch.serialization.safe_globals([*stand_ins, (_Array, "numpy.ndarray")]):
            return _plain_torch(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # likewise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise Ek100Error(
            f"{path}: not read as a .pt file with weights_only: {reason}. Expected tensors or "
            "numpy arrays in plain containers"
        ) from error


def _plain_torch(thing: Any) -> Any:
    torch = require("torch", "local")
    if isinstance(thing, torch.Tensor):
        tensor = thing.detach()
        return (tensor.float() if tensor.is_floating_point() else tensor).numpy()
    if isinstance(thing, dict):
        return {key: _plain_torch(value) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [_plain_torch(value) for value in thing]
    return _plain(thing)
