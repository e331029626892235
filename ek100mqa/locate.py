"""Where things are found when the user does not say: environment, working folder, cache."""

from __future__ import annotations

import os
from pathlib import Path

from ek100mqa.errors import Ek100Error
from ek100mqa.published import VALIDATION
from ek100mqa.schema import Split

LOCAL_ANNOTATIONS = Path("epic-kitchens-100-annotations")


def cache_folder() -> Path:
    """`EK100_CACHE`, or the user's cache folder for this tool."""
    if chosen := os.environ.get("EK100_CACHE"):
        return Path(chosen)
    return _user_cache()


def _user_cache() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("ek100mqa", appauthor=False)


def annotations_folder(option: Path | None = None) -> Path:
    """The folder of EPIC's CSVs: the option, the environment, the working folder, the cache.

    What the option or `EK100_ANNOTATIONS` names is taken as it is; the other places are
    taken when they hold the validation CSV.
    """
    if option is not None:
        return option
    if chosen := os.environ.get("EK100_ANNOTATIONS"):
        if not Path(chosen).is_dir():
            raise Ek100Error(f"EK100_ANNOTATIONS: {chosen} is not a folder; expected EPIC's CSVs")
        return Path(chosen)
    places = [LOCAL_ANNOTATIONS, _user_cache() / "annotations"]
    if os.environ.get("EK100_CACHE"):
        places.insert(0, cache_folder() / "annotations")
    for place in places:
        if (place / VALIDATION).exists():
            return place
    looked = ["the option --annotations (not given)", "EK100_ANNOTATIONS (not set)"]
    if not os.environ.get("EK100_CACHE"):
        looked.append("EK100_CACHE (not set)")
    looked += [f"{place.absolute()} (no {VALIDATION})" for place in places]
    raise Ek100Error(
        "EPIC-KITCHENS-100's annotations were not found. Looked at:\n  "
        + "\n  ".join(looked)
        + "\nBring them with: ek100mqa annotations fetch"
    )


def scores_folder() -> Path:
    """Where `scores import` puts its files."""
    return cache_folder() / "scores"


def cached_scores(model: str, split: Split) -> Path:
    """The cached top-k of a recogniser on a split, or an error that says how to import it."""
    name = f"{model}-{split}.parquet"
    folders = list(dict.fromkeys([scores_folder(), _user_cache() / "scores"]))
    for folder in folders:
        if (folder / name).exists():
            return folder / name
    looked = "\n  ".join(str(folder / name) for folder in folders)
    raise Ek100Error(
        f"No cached scores of {model!r} on the {split} split. Looked at:\n  "
        f"the option --scores (not given)\n  {looked}\n"
        f"Bring them with: ek100mqa scores import FILE --model {model} --split {split}\n"
        "(ek100mqa scores list shows what is there.)"
    )
