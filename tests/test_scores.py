"""Score files: four layouts, and every way in which one does not fit."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from distractors import topk
from distractors.scores import Imported, check_model_name, import_scores
from ek100mqa.annotations import Annotations
from ek100mqa.errors import Ek100Error
from tests.conftest import Run

Load = Callable[..., Imported]


@pytest.fixture
def load(kitchen: Annotations) -> Load:
    def call(path: Path, split: Any = "validation", **options: Any) -> Imported:
        return import_scores(path, kitchen, "tim", split, **options)

    return call


@pytest.fixture
def spoil(kitchen_folder: Path, tmp_path: Path) -> Callable[[str, Callable[[Any], Any]], Path]:
    """Load a good score file, change it, write it elsewhere."""

    def call(name: str, change: Callable[[Any], Any]) -> Path:
        source, path = kitchen_folder / "scores" / name, tmp_path / name
        if path.suffix == ".json":
            content = json.loads(source.read_text())
            path.write_text(json.dumps(change(content) or content))
        else:
            content = pickle.loads(source.read_bytes())
            path.write_bytes(pickle.dumps(change(content) or content))
        return path

    return call


def test_tim_and_llavaction_say_the_same(load: Load, kitchen_folder: Path) -> None:
    matrix = load(kitchen_folder / "scores/tim_validation.pkl", depth=20)
    ranks = load(kitchen_folder / "scores/tim_pred_ids_validation.json")
    assert (matrix.top.source.layout, ranks.top.source.layout) == ("tim", "llavaction")
    assert matrix.top.narration_ids == ranks.top.narration_ids
    assert np.array_equal(matrix.top.verbs, ranks.top.verbs)
    assert np.array_equal(matrix.top.nouns, ranks.top.nouns)
    assert ranks.top.scores is None


def test_avion_rows_are_in_csv_order(
    load: Load, kitchen_folder: Path, kitchen: Annotations
) -> None:
    path = kitchen_folder / "scores/avion_validation.pkl"
    imported = load(path, depth=3)
    logits = pickle.loads(path.read_bytes())["logits"]
    for row, clip in enumerate(kitchen.split("validation")):
        at = imported.top.narration_ids.index(clip.narration_id)
        best = kitchen.action_classes[int(logits[row].argmax())]
        assert (imported.top.verbs[at, 0], imported.top.nouns[at, 0]) == best


def test_a_c1_action_score_is_the_product_of_the_softmaxes(
    load: Load, kitchen_folder: Path, kitchen: Annotations
) -> None:
    path = kitchen_folder / "scores/c1_validation.pkl"
    imported, content = load(path), pickle.loads(path.read_bytes())
    row = 17
    verb, noun = (np.exp(content[key][row]) for key in ("verb_output", "noun_output"))
    verb, noun = verb / verb.sum(), noun / noun.sum()
    scores = {a: verb[a.verb] * noun[a.noun] for a in kitchen.action_classes}
    at = imported.top.narration_ids.index(content["narration_id"][row])
    best: tuple[int, int] = max(scores, key=lambda action: scores[action])
    assert (imported.top.verbs[at, 0], imported.top.nouns[at, 0]) == best
    assert imported.top.scores is not None
    assert imported.top.scores[at, 0] == pytest.approx(max(scores.values()), rel=1e-6)


def test_a_c1_list_says_the_same_as_the_dict(load: Load, kitchen_folder: Path, spoil: Any) -> None:
    as_list = spoil(
        "c1_validation.pkl",
        lambda c: [
            {key: value[i] for key, value in c.items()} for i in range(len(c["narration_id"]))
        ],
    )
    one, other = load(kitchen_folder / "scores/c1_validation.pkl"), load(as_list)
    assert np.array_equal(one.top.verbs, other.top.verbs)
    assert np.array_equal(one.top.nouns, other.top.nouns)


@pytest.mark.parametrize("protocol", range(2, 6))
def test_every_pickle_protocol_is_read(
    load: Load, kitchen_folder: Path, tmp_path: Path, protocol: int
) -> None:
    source = kitchen_folder / "scores/tim_validation.pkl"
    path = tmp_path / "scores.pkl"
    path.write_bytes(pickle.dumps(pickle.loads(source.read_bytes()), protocol))
    assert np.array_equal(load(path).top.verbs, load(source).top.verbs)


def test_torch_files_are_read(load: Load, kitchen_folder: Path, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="pip install 'ek100mqa[local]'")
    content = pickle.loads((kitchen_folder / "scores/c1_validation.pkl").read_bytes())
    rows = [{key: value[i] for key, value in content.items()} for i in range(120)]
    tensors = {
        **{key: torch.tensor(content[key]) for key in ("verb_output", "noun_output")},
        "narration_id": content["narration_id"].tolist(),
    }
    expected = load(kitchen_folder / "scores/c1_validation.pkl").top.verbs
    for name, saved in (("list.pt", rows), ("dict.pt", content), ("tensors.pt", tensors)):
        torch.save(saved, tmp_path / name)
        assert np.array_equal(load(tmp_path / name).top.verbs, expected)
    torch.save(rows, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    assert np.array_equal(load(tmp_path / "old.pt").top.verbs, expected)


def cut(key: str, rows: int) -> Callable[[Any], None]:
    def change(content: Any) -> None:
        content[key] = content[key][:rows]

    return change


def put(key: str, index: Any, value: Any) -> Callable[[Any], None]:
    def change(content: Any) -> None:
        content[key][index] = value

    return change


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("avion_validation.pkl", cut("logits", 119), "119 rows; expected 120"),
        ("avion_validation.pkl", put("targets", 3, 51), "row 3 (P01_11_11) has class 51 ("),
        ("avion_validation.pkl", put("targets", 3, 77), "has class 77 (unknown), the annotations"),
        ("avion_validation.pkl", cut("targets", 7), "7 targets; expected 120"),
        ("avion_validation.pkl", put("logits", (5, 6), np.nan), "class column 6, is nan"),
        ("avion_validation.pkl", put("logits", (5, 6), np.inf), "clip 'P01_11_13', class column 6"),
        ("tim_validation.pkl", put("v_narration_ids", 0, "v_P09_99_0"), "the first 'P09_99_0'"),
        ("tim_validation.pkl", put("v_narration_ids", 0, "v_P01_01_0"), "use --split train"),
        ("tim_validation.pkl", put("v_narration_ids", 0, 7), "holds 7; expected narration ids"),
        ("tim_validation.pkl", put("v_narration_ids", 1, "v_P01_11_0"), "stands twice"),
        ("tim_validation.pkl", cut("v_narration_ids", 100), "120 rows of scores and 100"),
        ("c1_validation.pkl", cut("noun_output", 100), "100 rows of scores and 120"),
        ("tim_pred_ids_validation.json", put("0", "predictions", ["0:2"]), "'0': 1 predictions"),
        ("tim_pred_ids_validation.json", put("0", "predictions", []), "key '0': expected"),
        ("tim_pred_ids_validation.json", lambda c: {"0": c["0"]}, "119 of 120 clips"),
        ("tim_pred_ids_validation.json", lambda c: {**c, "120": c["0"]}, "key '120'"),
        ("tim_pred_ids_validation.json", lambda c: {**c, "-1": c["0"]}, "no known layout"),
        ("tim_pred_ids_validation.json", lambda c: {**c, "1" * 5000: c["0"]}, "a row number from"),
        ("tim_validation.pkl", put("action", slice(None), np.nan), "class column 0, is nan"),
        ("tim_validation.pkl", lambda c: {**c, "action": [[1.0], [1.0, 2.0]]}, "not an array"),
        ("tim_validation.pkl", lambda c: {**c, "action": np.zeros((2, 3, 4))}, "shape [2, 3, 4]"),
        ("avion_validation.pkl", lambda c: {**c, "targets": [[1], [1, 2]]}, "not an array"),
        ("c1_validation.pkl", put("noun_output", (3, 4), -np.inf), "a score is not finite"),
        (
            "c1_validation.pkl",
            lambda c: [{"verb_output": 1, "noun_output": 2}],
            "a list whose rows",
        ),
    ],
)
def test_what_does_not_fit_is_one_clear_error(
    load: Load, spoil: Any, name: str, change: Any, expected: str
) -> None:
    path = spoil(name, change)
    if name.startswith("tim_pred") and expected == "'0': 1 predictions":
        expected = "predictions; the rows before have"
    with pytest.raises(Ek100Error) as error:
        load(path)
    assert str(path) in str(error.value)
    assert expected in str(error.value)


@pytest.mark.parametrize("layout", ["avion", "tim", "epic-c1", "llavaction"])
@pytest.mark.parametrize("content", [5, None, [], {}, [np.zeros(3)], {"logits": 3}, "text"])
def test_any_content_in_any_layout_is_one_clear_error(
    load: Load, tmp_path: Path, content: object, layout: str
) -> None:
    path = tmp_path / "scores.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(Ek100Error, match=r"scores\.pkl"):
        load(path, layout=layout)


def test_a_key_that_stands_twice_in_json_is_refused(
    load: Load, kitchen_folder: Path, tmp_path: Path
) -> None:
    text = (kitchen_folder / "scores/tim_pred_ids_validation.json").read_text()
    path = tmp_path / "twice.json"
    path.write_text("\ufeff" + text)
    assert load(path).top.k == 20
    path.write_text(text[:-1] + ', "0": {"predictions": ["0:2"]}}')
    with pytest.raises(Ek100Error, match="a key stands twice"):
        load(path)


@pytest.mark.parametrize(
    ("prediction", "expected"),
    [
        ("90:90", "an unknown action class"),
        ("take cup", 'not of the form "verb:noun"'),
        (3, "3 is"),
    ],
)
def test_unknown_action_classes_are_named(
    load: Load, spoil: Any, prediction: Any, expected: str
) -> None:
    def change(content: Any) -> None:
        content["4"]["predictions"][2] = prediction

    with pytest.raises(Ek100Error, match="key '4'") as error:
        load(spoil("tim_pred_ids_validation.json", change))
    assert expected in str(error.value)


def test_columns_that_are_not_the_classes_give_both_numbers(load: Load, spoil: Any) -> None:
    path = spoil("tim_validation.pkl", lambda c: {**c, "action": c["action"][:, :50]})
    with pytest.raises(Ek100Error, match="50 columns of action scores; expected 52"):
        load(path)


def test_action_classes_may_be_named_by_a_csv(
    load: Load, spoil: Any, kitchen: Annotations, kitchen_folder: Path, tmp_path: Path
) -> None:
    reversed_columns = spoil("tim_validation.pkl", lambda c: {**c, "action": c["action"][:, ::-1]})
    rows = [f"{i},{a.verb},{a.noun}" for i, a in enumerate(reversed(kitchen.action_classes))]
    classes = tmp_path / "classes.csv"
    classes.write_text("\n".join(["id,verb,noun", *rows]))
    named = load(reversed_columns, action_classes=classes)
    plain = load(kitchen_folder / "scores/tim_validation.pkl")
    assert np.array_equal(named.top.verbs[:, :10], plain.top.verbs[:, :10])
    for bad, expected in (([*rows[:-1], rows[0]], "once"), (["0,9,9"], "an action class of")):
        classes.write_text("\n".join(["id,verb,noun", *bad]))
        with pytest.raises(Ek100Error, match=expected):
            load(reversed_columns, action_classes=classes)


def test_missing_clips_are_left_out_when_allowed(
    run: Run, spoil: Any, kitchen_folder: Path
) -> None:
    path = spoil("tim_pred_ids_validation.json", lambda c: {k: c[k] for k in list(c)[:100]})
    where = ("--annotations", kitchen_folder / "annotations")
    assert run("scores", "import", path, "--model", "part", *where).exit_code == 2
    result = run("scores", "import", path, "--model", "part", "--allow-missing", *where)
    assert "left out: 20 clips without scores" in result.output
    built = run("build", "--distractor", "part", *where)
    assert "20 left out: no scores for the clip" in built.output


@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 5), st.integers(2, 30)),
        elements=st.integers(-3, 3).map(float),
    ),
    st.integers(1, 30),
)
def test_the_best_are_those_of_a_full_stable_sort(scores: np.ndarray, k: int) -> None:
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    assert np.array_equal(topk.best(scores, k)[:, :k], expected)


def test_cached_scores_come_back_as_they_were(
    load: Load, kitchen_folder: Path, tmp_path: Path
) -> None:
    for name in ("tim_validation.pkl", "tim_pred_ids_validation.json"):
        top = load(kitchen_folder / "scores" / name).top
        topk.write(tmp_path / "top.parquet", top)
        back = topk.read(tmp_path / "top.parquet")
        assert (back.source, back.narration_ids) == (top.source, top.narration_ids)
        assert np.array_equal(back.verbs, top.verbs) and np.array_equal(back.nouns, top.nouns)
        assert (back.scores is None) == (top.scores is None)
        if top.scores is not None and back.scores is not None:
            assert np.array_equal(back.scores, top.scores)


def test_import_then_list_then_build(run: Run, kitchen_folder: Path) -> None:
    where = ("--annotations", kitchen_folder / "annotations")
    for split in ("validation", "train"):
        path = kitchen_folder / f"scores/avion_{split}.pkl"
        result = run("scores", "import", path, "--model", "avion", "--split", split, *where)
        assert result.exit_code == 0 and "top-1" in result.output
    listed = run("scores", "list").output
    assert "avion_train.pkl" in listed and "avion_validation.pkl" in listed
    for split in ("validation", "train"):
        assert run("build", "--distractor", "avion", "--split", split, *where).exit_code == 0
    assert run("verify", "ek100-mqa", "--rebuild", *where).exit_code == 0


@pytest.mark.parametrize("name", ["random", "Tim", "a/b", "..", "", "x" * 41, "tim--2", "tim\n"])
def test_names_that_would_not_do_as_file_names_are_refused(name: str) -> None:
    with pytest.raises(Ek100Error, match="expected a name such as"):
        check_model_name(name)


def test_cached_scores_with_classes_of_other_annotations_are_refused(
    run: Run, load: Load, kitchen_folder: Path, tmp_path: Path
) -> None:
    top = load(kitchen_folder / "scores/tim_validation.pkl").top
    for verb in (90, -1, 5000):
        verbs = top.verbs.copy()
        verbs[3, 7] = verb
        topk.write(
            tmp_path / "other.parquet",
            topk.TopK(top.source, top.narration_ids, verbs, top.nouns, None),
        )
        result = run(
            *("build", "--distractor", "tim", "--scores", tmp_path / "other.parquet"),
            *("--annotations", kitchen_folder / "annotations"),
        )
        assert result.exit_code == 2
        assert str(verb) in result.output and "import the scores again" in result.output
