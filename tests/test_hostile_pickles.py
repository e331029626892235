"""A pickle never runs code."""

from __future__ import annotations

import builtins
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distractors.layouts import _read
from distractors.pickles import load_pickle
from ek100mqa.errors import Ek100Error

RAN = "code-of-a-pickle-ran"


class Calls:
    """Pickles as a call of `function(*arguments)`."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def touch() -> Calls:
    return Calls(os.system, f"touch {RAN}")


def objects(thing: object) -> np.ndarray:
    array = np.empty(3, dtype=object)
    array[1] = thing
    return array


class Stateful:
    def __reduce__(self) -> Any:
        return np.ndarray, ((1,),), {"x": touch()}


HOSTILE = {
    "os.system": touch(),
    "builtins.eval": Calls(builtins.eval, f"__import__('os').system('touch {RAN}')"),
    "builtins.exec": Calls(builtins.exec, f"open({RAN!r}, 'w')"),
    "getattr": Calls(getattr, "text", "format"),
    "open": Calls(open, RAN, "w"),
    "deep inside a dict": {"action": np.zeros((2, 2)), "deep": {"er": [({"x": touch()},)]}},
    "as a dict key": {"logits": {Calls(os.getenv, "HOME"): 1}},
    "in an object array": {"action": np.zeros((2, 2)), "v_narration_ids": objects(touch())},
    "in an object array in a list": [objects([objects(touch())])],
    "in the state of an allowed type": Stateful(),
    "numpy's own file reader": Calls(np.load, "x.npy", None, True),
    "numpy.testing's exec": Calls(np.testing.measure, f"open({RAN!r}, 'w')"),
    "a class of ours": Calls(Path, "x"),
}


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("thing", HOSTILE.values(), ids=HOSTILE.keys())
def test_nothing_in_a_pickle_is_run(thing: object, protocol: int, tmp_path: Path) -> None:
    path = tmp_path / "scores.pkl"
    path.write_bytes(pickle.dumps(thing, protocol))
    with pytest.raises(Ek100Error, match="not read as a pickle: "):
        load_pickle(path)
    assert not Path(RAN).exists()


def test_names_are_refused_before_they_are_imported(tmp_path: Path) -> None:
    (Path.cwd() / "trap.py").write_text(f"open({RAN!r}, 'w')\ndef x(): pass\n")
    path = tmp_path / "scores.pkl"
    path.write_bytes(b"\x80\x04\x8c\x04trap\x8c\x01x\x93.")
    with pytest.raises(Ek100Error, match=r"names trap\.x"):
        load_pickle(path)
    assert not Path(RAN).exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04",
        b"not a pickle at all",
        b"\x80\x04N",
        b"\x80\x04P1\n.",
        b"\x80\x04" + b"(" * 100_000,
        b"\x80\x04\x8e" + struct.pack("<Q", 1 << 62),
        pickle.dumps({"logits": np.zeros((40, 40))})[:-300],
        b"\x80\x04\x8c\x07_codecs\x8c\x06encode\x93\x8c\x01x\x8c\x05rot13\x86R.",
    ],
    ids=lambda content: repr(content[:12]),
)
def test_broken_pickles_are_one_clear_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "scores.pkl"
    path.write_bytes(content)
    with pytest.raises(Ek100Error, match=str(path)):
        load_pickle(path)


class Describes:
    """Pickles as an array whose dtype and state the test makes up."""

    def __init__(self, dtype: object, state: tuple[object, ...]) -> None:
        self.dtype, self.state = dtype, state

    def __reduce__(self) -> Any:
        start = np.zeros(1).__reduce__()[0], (np.ndarray, (0,), b"b")
        return (*start, (1, *self.state[:1], self.dtype, *self.state[1:]))


class DType:
    def __init__(self, name: str, state: tuple[object, ...] | None = None) -> None:
        self.name, self.state = name, state

    def __reduce__(self) -> Any:
        call = np.dtype, (self.name, False, True)
        return call if self.state is None else (*call, self.state)


FIELDS = (3, "|", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 1, 0)
POINTERS = b"\x41" * 8


@pytest.mark.parametrize(
    "thing",
    [
        Describes(DType("V8", FIELDS), ((1,), False, POINTERS)),
        Describes(DType("S8", FIELDS), ((1,), False, POINTERS)),
        Describes(DType("f8", FIELDS), ((1,), False, POINTERS)),
        Describes(
            DType("f8", (3, "<", (np.dtype("O"), (1,)), None, None, 8, 1, 0)),
            ((1,), False, POINTERS),
        ),
        Describes(DType("O"), ((1,), False, POINTERS)),
        Describes(DType("O"), ((3,), False, ["one"])),
        Describes(DType("f8"), ((1 << 45,), False, POINTERS)),
        Describes(DType("f8"), ((1 << 30, 1 << 30), False, POINTERS)),
        Describes(DType("f8"), ((2,), False, POINTERS)),
        Describes(DType("f8"), ((-1,), False, POINTERS)),
        Describes(DType("f8"), (("1",), False, POINTERS)),
        Describes(DType("f8"), ((1,), False, "text")),
        Describes(DType("datetime64[s]"), ((1,), False, POINTERS)),
        Calls(np.float64(1).__reduce__()[0], DType("O"), POINTERS),
        Calls(np.float64(1).__reduce__()[0], DType("f8", FIELDS), POINTERS),
        Calls(np.ndarray, (1,), DType("O"), POINTERS),
        Calls(np.zeros(1).__reduce__()[0], np.ndarray, (1 << 45,), b"b"),
    ],
)
def test_a_made_up_array_never_reaches_numpy(thing: object, tmp_path: Path) -> None:
    path = tmp_path / "scores.pkl"
    path.write_bytes(pickle.dumps({"logits": thing}))
    with pytest.raises(Ek100Error, match=r"not read as a pickle|more memory"):
        load_pickle(path)


def test_keys_are_not_hashed_before_they_are_looked_at(tmp_path: Path) -> None:
    deep = b"\x80\x04})" + b"\x85" * 1_000_000 + b"K\x01s."
    path = tmp_path / "scores.pkl"
    path.write_bytes(deep)
    with pytest.raises(Ek100Error, match="keys are not texts or numbers"):
        load_pickle(path)


def test_arrays_of_every_plain_kind_come_back(tmp_path: Path) -> None:
    content: dict[Any, Any] = {
        "f": np.arange(6, dtype=np.float32).reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "big": np.arange(3, dtype=">i4"),
        "text": np.array(["P01_11_0", "x"]),
        "object": np.array(["v_P01_11_0", None, 3], dtype=object),
        "scalar": np.float32(0.5),
        "text scalar": np.str_("P01"),
        "empty": np.zeros((0, 44), np.float32),
        "list": [np.int64(3), (1, "a", b"b", 2.5, True, None)],
        7: np.array([True, False]),
    }
    for protocol in range(6):
        path = tmp_path / "scores.pkl"
        path.write_bytes(pickle.dumps(content, protocol))
        back = load_pickle(path)
        assert list(back) == list(content)
        for key in ("f", "fortran", "big", "text", "object", "empty", 7):
            assert np.array_equal(back[key], content[key]), key
        assert (back["scalar"], back["text scalar"]) == (0.5, "P01")
        assert back["list"] == [3, (1, "a", b"b", 2.5, True, None)]


@pytest.mark.parametrize("zipped", [True, False])
def test_torch_files_run_nothing_either(tmp_path: Path, zipped: bool) -> None:
    torch = pytest.importorskip("torch", reason="pip install 'ek100mqa[local]'")
    path = tmp_path / "scores.pt"
    torch.save([{"x": touch()}], path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(Ek100Error, match="weights_only"):
        _read(path)
    assert not Path(RAN).exists()


def test_json_too_deep_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    path.write_text("[" * 200_000)
    with pytest.raises(Ek100Error, match="not readable as JSON"):
        _read(path)
