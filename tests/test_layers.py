"""Who may import whom, and what may be imported at start."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("ek100mqa", "distractors", "evaluators", "leaderboard")
HEAVY = ("torch", "transformers", "lmms_eval", "datasets", "sklearn", "pandas", "openai", "scipy")


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("folder", OURS[1:])
def test_folders_beside_the_ground_never_import_each_other(folder: str) -> None:
    allowed = {"ek100mqa", folder}
    for path in modules(folder):
        tops = {name.split(".")[0] for name in imports(path)} & set(OURS)
        assert tops <= allowed, path


def test_the_ground_imports_nothing_that_stands_on_it() -> None:
    for path in modules("ek100mqa"):
        if "cli" in path.parts or path.name == "__main__.py":
            continue
        for name in imports(path):
            assert name.split(".")[0] not in OURS[1:], path
            assert not name.startswith("ek100mqa.cli"), path


def test_schema_is_the_ground_floor() -> None:
    assert not any(name.startswith("ek100mqa") for name in imports(ROOT / "ek100mqa/schema.py"))


def test_only_the_command_line_prints() -> None:
    for folder in OURS:
        for path in modules(folder):
            if "cli" in path.parts:
                continue
            calls = (n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call))
            names = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
            assert "print" not in names, path


def test_no_file_is_longer_than_400_lines() -> None:
    for folder in (*OURS, "tests"):
        for path in modules(folder):
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom ek100mqa.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        f"print([m for m in {(*HEAVY, 'numpy', 'pyarrow')!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_build_imports_nothing_heavy(kitchen_folder: Path, tmp_path: Path) -> None:
    arguments = [
        *("build", "--distractor", "random", "--out", str(tmp_path / "b")),
        *("--annotations", str(kitchen_folder / "annotations")),
    ]
    code = (
        "import sys\nfrom ek100mqa.cli import main\n"
        f"try: main({arguments!r})\nexcept SystemExit as end: assert not end.code\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
