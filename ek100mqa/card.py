"""The dataset card (README.md of a benchmark folder), made from the manifest alone."""

from __future__ import annotations

from typing import Any

from ek100mqa import manifest
from ek100mqa.manifest import Entry, Manifest
from ek100mqa.schema import Recipe
from ek100mqa.shards import SCHEMA

NAME = "README.md"
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (10**6, "100K<n<1M"))
_MEANINGS = {
    "question_id": "EPIC's narration id; unique within a config and split",
    "participant_id": "who wore the camera",
    "video_id": "the video the clip lies in",
    "start_s": "start of the clip, in seconds of its video",
    "stop_s": "end of the clip",
    "choices": "the texts of the options, as shown",
    "choice_verbs": "their verb classes",
    "choice_nouns": "their noun classes",
    "answer": "index into `choices`; null only in `as-ranked` configs, "
    "where the truth is not among them",
    "narration": "the annotator's own words for the clip",
    "verb_class": "verb class of the true action",
    "noun_class": "noun class of the true action",
    "truth_rank": "0-based rank of the true action in the recogniser's list; "
    "null where it is not in it",
    "concurrent": "option i is annotated elsewhere in the video as overlapping this clip "
    "by half its length or more",
    "prior_narrations": "the two actions before, oldest first, where each gap is at most 3 s; "
    "else empty",
    "prior_offsets_s": "seconds from their starts to the start of the clip",
}


def front_matter(entries: Manifest) -> dict[str, Any]:
    """The card's YAML: every config, split and data file, and what the Hub shows and filters."""
    rows = max((entry.rows for splits in entries.values() for entry in splits.values()), default=0)
    default = _default(entries)
    configs: list[dict[str, Any]] = []
    for config, splits in sorted(entries.items()):
        files = [
            {"split": split, "path": f"{config}/{split}-*.parquet"} for split in sorted(splits)
        ]
        configs.append({"config_name": config, "data_files": files})
        if config == default:
            configs[-1]["default"] = True
    return {
        "pretty_name": "EPIC-KITCHENS-100-MQA",
        "license": "cc-by-nc-4.0",
        "language": ["en"],
        "task_categories": ["multiple-choice", "video-text-to-text"],
        "size_categories": [next(name for top, name in _SIZES if rows < top)],
        "tags": ["egocentric", "action-recognition", "video", "epic-kitchens"],
        "configs": configs,
    }


def _default(entries: Manifest) -> str:
    """The config that `load_dataset` takes where none is named: the paper's, if it is there."""
    return "tim-k5-narration" if "tim-k5-narration" in entries else min(entries)


def render(entries: Manifest) -> str:
    """The whole card."""
    import jinja2
    import yaml

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ek100mqa"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    listed = [entry for _, splits in sorted(entries.items()) for _, entry in sorted(splits.items())]
    return environment.get_template("card.md.j2").render(
        part=_part,
        front_matter=yaml.safe_dump(front_matter(entries), sort_keys=False, allow_unicode=True),
        entries=listed,
        example=next(e for e in listed if e.recipe.config == _default(entries)).recipe,
        unpublished=_unpublished(listed),
        columns=[(field.name, _type(field.type), _MEANINGS[field.name]) for field in SCHEMA],
        manifest_name=manifest.NAME,
    )


def _part(recipe: Recipe) -> str:
    """How much of the split the recipe asked for."""
    parts = [f"at most {recipe.limit} questions"] if recipe.limit else []
    parts += [", ".join(recipe.participants)] if recipe.participants else []
    return "; ".join(parts) or "all"


def _unpublished(entries: list[Entry]) -> list[str]:
    """Names of annotation files that are not the ones EPIC-KITCHENS published."""
    return sorted(
        {
            str(file["name"])
            for entry in entries
            for file in entry.inputs
            if file.get("published") is False
        }
    )


def _type(kind: object) -> str:
    return str(kind).replace("list<item: ", "list<").replace("double", "float64")
