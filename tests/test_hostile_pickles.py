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
    with pytest.raises(Ek100Error, match="which is neither a numpy array nor a plain container"):
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


def test_an_array_larger_than_memory_is_refused(tmp_path: Path) -> None:
    huge = Calls(np.zeros(1).__reduce__()[0], np.ndarray, (1 << 45,), b"b")
    path = tmp_path / "scores.pkl"
    path.write_bytes(pickle.dumps(huge))
    with pytest.raises(Ek100Error, match="memory"):
        load_pickle(path)


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
