"""Simulated score files of full size."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np

from ek100mqa.annotations import read_annotations
from ek100mqa.schema import Split


def simulate(folder: Path, split: Split, path: Path) -> None:
    """An AVION pickle of full size: noise, with bonuses for the true verb and noun."""
    annotations = read_annotations(folder)
    classes = annotations.action_classes
    clips = annotations.columns(split)
    index = {action: i for i, action in enumerate(classes)}
    targets = np.array([index[action] for action in clips.actions])
    verbs, nouns = (np.array(column) for column in zip(*classes, strict=True))
    rng = np.random.default_rng(7)
    logits = rng.normal(0, 1.3, (len(targets), len(classes))).astype(np.float32)
    for row, target in enumerate(targets):
        ease = rng.uniform(0, 4.5)
        logits[row] += ease * ((verbs == verbs[target]) * 1.0 + (nouns == nouns[target]))
    probs = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs /= probs.sum(axis=1, keepdims=True)
    with open(path, "wb") as file:
        pickle.dump({"logits": logits, "probs": probs, "targets": targets}, file, protocol=4)
