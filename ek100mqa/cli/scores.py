"""`ek100mqa scores import` and `ek100mqa scores list`"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ek100mqa.cli.options import annotations_option, split_option
from ek100mqa.cli.progress import bar


@click.group("scores")
def command() -> None:
    """Import recognisers' scores, list what is there."""


@command.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--model", required=True, help="The recogniser's name, e.g. tim or avion.")
@split_option
@click.option(
    "--format",
    "layout",
    type=click.Choice(["avion", "tim", "epic-c1", "llavaction"]),
    help="The file's layout. [default: recognised by content]",
)
@click.option("--top", default=100, show_default=True, type=click.IntRange(2), help="Ranks kept.")
@click.option(
    "--action-classes",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="CSV (id, verb, noun) that says which action class each column is.",
)
@click.option("--allow-missing", is_flag=True, help="Leave out clips that have no scores.")
@annotations_option
def import_(
    file: Path,
    model: str,
    split: Any,
    layout: Any,
    top: int,
    action_classes: Path | None,
    allow_missing: bool,
    annotations: Path | None,
) -> None:
    """Keep the best classes of each clip of a score FILE, for `build`.

    \b
    Layouts: AVION pickle (logits, probs, targets; rows in CSV order)
             TIM pickle (action, v_narration_ids)
             EPIC C1 list or dict in .pkl or .pt (verb_output, noun_output, narration_id)
             LLaVAction JSON of ranked "verb:noun" lists by CSV row
    Nothing in a pickle or .pt file is run.

    \b
    ek100mqa scores import EPIC_100_validation_features.pkl --model tim
    ek100mqa scores import avion_pred_ids_val.json --model avion
    """
    from distractors import topk
    from distractors.scores import check_model_name, import_scores
    from ek100mqa.cli.inputs import load_annotations
    from ek100mqa.locate import scores_folder

    check_model_name(model)
    loaded = load_annotations(annotations)
    with bar("ranking") as progress:
        imported = import_scores(
            file, loaded, model, split, layout, top, action_classes, allow_missing, progress
        )
    path = scores_folder() / f"{model}-{split}.parquet"
    replaced = path.exists()
    topk.write(path, imported.top)
    result = imported.top
    click.echo(
        f"{file.name}: {result.source.layout} layout, {len(result.narration_ids):,} clips of "
        f"{split}, best {result.k} of {result.source.n_classes:,} action classes"
    )
    if imported.missing:
        click.echo(f"left out: {len(imported.missing):,} clips without scores")
    click.echo(
        "action accuracy on these annotations: "
        f"top-1 {imported.top1:.1%}, top-5 {imported.top5:.1%}"
    )
    if imported.top1 < 0.05:
        click.echo(
            "Warning: that is next to nothing; are the columns numbered otherwise "
            "(--action-classes), or the rows from another split?",
            err=True,
        )
    click.echo(f"-> {path}{' (replaced)' if replaced else ''}")


@command.command("list")
def list_() -> None:
    """List the cached scores."""
    from distractors import topk
    from ek100mqa.errors import Ek100Error
    from ek100mqa.locate import scores_folder

    folder = scores_folder()
    paths = sorted(p for p in folder.glob("*.parquet") if not p.name.startswith("."))
    if not paths:
        click.echo(f"{folder}: none; bring some with: ek100mqa scores import FILE --model NAME")
        return
    head = ("model", "split", "clips", "ranks", "layout", "from", "SHA-256 of it")
    rows = [head]
    for path in paths:
        try:
            meta = topk.read_meta(path)
        except Ek100Error as error:
            click.echo(f"Warning: {error}", err=True)
            continue
        rows.append(
            (
                meta["model"],
                meta["split"],
                f"{meta['clips']:,}",
                str(meta["k"]),
                meta["layout"],
                meta["file"],
                meta["sha256"][:12],
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    click.echo(str(folder))
    for row in rows:
        click.echo("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip())
