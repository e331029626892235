"""The command line as a user meets it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ek100mqa.cli import COMMANDS
from tests.conftest import Run

Builder = Callable[..., Path]


def test_help_lists_every_command(run: Run) -> None:
    output = run("--help").output
    for name, line in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(line[:40])}", output, re.M)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(run: Run, name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: main {name}")


def test_an_unknown_command_is_refused(run: Run) -> None:
    result = run("bild")
    assert result.exit_code == 2 and "No such command 'bild'" in result.output


def test_python_m_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ek100mqa", "--version"], capture_output=True, text=True, check=True
    )
    assert re.fullmatch(r"ek100mqa, version \d+\.\d+\.\d+\n", done.stdout)


def test_without_annotations_the_places_and_the_command_are_named(run: Run) -> None:
    result = run("build", "--distractor", "random")
    assert result.exit_code == 2
    for part in (
        "--annotations (not given)",
        "EK100_ANNOTATIONS (not set)",
        "epic-kitchens-100-annotations",
        "cache/annotations",
        "ek100mqa annotations fetch",
    ):
        assert part in result.output


def test_without_scores_the_places_and_the_command_are_named(
    run: Run, kitchen_folder: Path
) -> None:
    result = run("build", "--distractor", "tim", "--annotations", kitchen_folder / "annotations")
    assert result.exit_code == 2
    assert "cache/scores/tim-validation.parquet" in result.output
    assert "ek100mqa scores import FILE --model tim --split validation" in result.output


def test_annotations_are_found_in_the_order_that_is_told(
    run: Run, kitchen_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = kitchen_folder / "annotations"

    def used() -> str:
        result = run("build", "--distractor", "random", "--force")
        assert result.exit_code == 0, result.output
        match = re.search(r"Warning: (.*): not as EPIC", result.output)
        assert match
        return match[1]

    user_cache = tmp_path / "user-cache/ek100mqa/annotations"
    shutil.copytree(source, user_cache)
    assert used() == str(user_cache)
    shutil.copytree(source, "epic-kitchens-100-annotations")
    assert used() == "epic-kitchens-100-annotations"
    shutil.copytree(source, tmp_path / "cache/annotations")
    assert used() == str(tmp_path / "cache/annotations")
    monkeypatch.setenv("EK100_ANNOTATIONS", str(source))
    assert used() == str(source)
    monkeypatch.setenv("EK100_ANNOTATIONS", str(tmp_path / "nowhere"))
    assert "nowhere is not a folder" in run("build", "--distractor", "random", "--force").output


def test_changed_annotations_give_one_warning_line(run: Run, kitchen_folder: Path) -> None:
    result = run("build", "--distractor", "random", "--annotations", kitchen_folder / "annotations")
    warnings = [line for line in result.output.splitlines() if "Warning" in line]
    assert len(warnings) == 1
    assert "EPIC_100_train.csv" in warnings[0] and "240 train and 120 validation" in warnings[0]


def test_the_report_says_what_became_of_every_row(run: Run, kitchen_folder: Path) -> None:
    result = run(
        *("build", "--distractor", "random", "--participants", "P01,P04", "--limit", 10),
        *("--annotations", kitchen_folder / "annotations"),
    )
    assert "10 questions" in result.output and "from 120 rows" in result.output
    assert "60 left out: participant not asked for" in result.output
    assert "50 left out: beyond the limit" in result.output


def test_show_hides_the_truth_unless_asked(build: Builder, run: Run) -> None:
    folder = build()
    hidden, shown = run("show", folder, "P01_11_0"), run("show", folder, "P01_11_0", "--answer")
    assert "truth" not in hidden.output and "narration:" not in hidden.output
    assert shown.output.count("<- truth") == 1
    assert [line[2:4] for line in hidden.output.splitlines()[1:]] == ["A.", "B.", "C.", "D.", "E."]


def test_show_gives_a_sample_and_every_config(build: Builder, run: Run) -> None:
    folder = build()
    build(distractor="random")
    sample = run("show", folder, "--sample", 5).output
    assert sample.count("video P") == 5
    assert sample == run("show", folder, "--sample", 5).output
    assert sample != run("show", folder, "--sample", 5, "--seed", 1).output
    assert run("show", folder, "P01_11_0").output.count("[") == 2
    assert run("show", folder, "P01_11_0", "--config", "random-k5-narration").output.count("[") == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["P01_99_0"], "no question 'P01_99_0' in tim-k5-narration (validation)"),
        (["P01_11_0", "--config", "nope"], "no nope; there are tim-k5-narration (validation)"),
        (["P01_11_0", "--split", "train"], "no train; there are"),
        ([], "name one QUESTION_ID, or --sample N"),
        (["P01_11_0", "--sample", "2"], "name one QUESTION_ID, or --sample N"),
    ],
)
def test_show_says_what_is_there(
    build: Builder, run: Run, arguments: list[str], expected: str
) -> None:
    result = run("show", build(), *arguments)
    assert result.exit_code == 2 and expected in result.output


def test_a_folder_without_a_benchmark_is_refused(run: Run, tmp_path: Path) -> None:
    result = run("verify", tmp_path)
    assert result.exit_code == 2 and "ek100mqa build" in result.output


def test_the_demo_stands_on_its_own(run: Run) -> None:
    first = run("demo", "--no-videos")
    assert first.exit_code == 0, first.output
    assert first.output.count("<- truth") == 3
    assert run("demo", "--no-videos").output == first.output
    verified = run("verify", "toy-kitchen/benchmark")
    assert verified.exit_code == 0, verified.output
    rebuilt = next(x for x in first.output.splitlines() if "ek100mqa build" in x)
    result = run(*rebuilt.split()[1:])
    assert result.exit_code == 0, result.output


def test_the_demo_writes_over_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "epic").mkdir()
    (tmp_path / "epic/EPIC_100_train.csv").write_text("mine")
    result = run("demo", "--out", tmp_path / "epic")
    assert result.exit_code == 2 and "has other things in it" in result.output
    assert (tmp_path / "epic/EPIC_100_train.csv").read_text() == "mine"


@pytest.mark.parametrize("command", ["demo", "build --distractor random"])
def test_a_place_that_cannot_be_written_is_one_clear_error(
    run: Run, kitchen_folder: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("EK100_ANNOTATIONS", str(kitchen_folder / "annotations"))
    result = run(*command.split(), "--out", "/dev/null/x")
    assert result.exit_code == 2 and "Error: /dev/null/x" in result.output


def test_scores_of_another_recogniser_are_refused(run: Run, kitchen_folder: Path) -> None:
    where = ("--annotations", kitchen_folder / "annotations")
    run(
        "scores",
        "import",
        kitchen_folder / "scores/avion_validation.pkl",
        "--model",
        "avion",
        *where,
    )
    scores = ("--scores", "../cache/scores/avion-validation.parquet")
    wrong = run("build", "--distractor", "tim", *scores, *where)
    assert wrong.exit_code == 2 and "scores of 'avion'; expected 'tim'" in wrong.output
    none = run("build", "--distractor", "random", *scores, *where)
    assert none.exit_code == 2 and "random distractors take none" in none.output


def test_a_cached_file_of_another_split_is_refused(run: Run, kitchen_folder: Path) -> None:
    where = ("--annotations", kitchen_folder / "annotations")
    run("scores", "import", kitchen_folder / "scores/tim_train.pkl", "--model", "tim",
        "--split", "train", *where)  # fmt: skip
    scores = Path("../cache/scores/tim-train.parquet")
    result = run("build", "--distractor", "tim", "--scores", scores, *where)
    assert (
        result.exit_code == 2 and "scores on the train split; expected validation" in result.output
    )
    scores.write_bytes(b"PAR1 and more")
    result = run("build", "--distractor", "tim", "--scores", scores, *where)
    assert result.exit_code == 2 and "damaged cached scores" in result.output
    listed = run("scores", "list")
    assert listed.exit_code == 0 and "Warning" in listed.output and "tim-train" in listed.output
