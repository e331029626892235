"""Fixtures: the toy kitchen, a cache of its own for every test, EPIC's annotations if there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ek100mqa import demo
from ek100mqa.annotations import Annotations, read_annotations
from ek100mqa.cli import main

EPIC = os.environ.get("EK100_ANNOTATIONS") and Path(os.environ["EK100_ANNOTATIONS"]).absolute()

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def own_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the user's cache, annotations or working folder."""
    monkeypatch.delenv("EK100_ANNOTATIONS", raising=False)
    monkeypatch.setenv("EK100_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user-cache"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture(scope="session")
def kitchen_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy kitchen: annotations/ and scores/."""
    folder = tmp_path_factory.mktemp("kitchen")
    demo.write_kitchen(folder)
    return folder


@pytest.fixture(scope="session")
def kitchen(kitchen_folder: Path) -> Annotations:
    return read_annotations(kitchen_folder / "annotations")


@pytest.fixture
def run() -> Run:
    """Run the command line: run("build", "--k", 5) -> exit code and output."""

    def call(*arguments: object) -> Result:
        return CliRunner().invoke(main, [str(a) for a in arguments])

    return call


@pytest.fixture
def build(run: Run, kitchen_folder: Path, tmp_path: Path) -> Callable[..., Path]:
    """Build a config of the toy kitchen's benchmark; returns the benchmark folder."""

    def call(*arguments: object, distractor: str = "tim", out: Path | None = None) -> Path:
        out = out or tmp_path / "benchmark"
        scores = kitchen_folder / "scores" / f"{distractor}_validation.pkl"
        result = run(
            *("build", "--distractor", distractor, "--out", out),
            *("--annotations", kitchen_folder / "annotations"),
            *(() if distractor == "random" else ("--scores", scores)),
            *arguments,
        )
        assert result.exit_code == 0, result.output
        return out

    return call


@pytest.fixture(scope="session")
def epic_folder() -> Path:
    """EPIC-KITCHENS-100's own annotations, where `EK100_ANNOTATIONS` names them."""
    if not EPIC:
        pytest.skip(
            "needs EPIC's annotations: ek100mqa annotations fetch --out epic, "
            "then EK100_ANNOTATIONS=epic make test"
        )
    return EPIC


@pytest.fixture(scope="session")
def epic(epic_folder: Path) -> Annotations:
    return read_annotations(epic_folder)
