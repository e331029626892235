"""Keyed, order-free randomness.

A draw depends on (seed, item, purpose) alone, by BLAKE2b; so a filtered build, another row
order, another number of processes or another numpy makes the same choices.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def draws(n: int, seed: int, item: str, purpose: str) -> list[int]:
    """n uniform 64-bit integers. Items sorted by such stand in a uniformly random order."""
    key = f"{seed}\x1f{item}\x1f{purpose}\x1f".encode()
    words: list[int] = []
    for block in range(-(-n // 8)):
        digest = hashlib.blake2b(key + b"%d" % block).digest()
        words += struct.unpack("<8Q", digest)
    return words[:n]


def draw(seed: int, item: str, purpose: str) -> int:
    """A uniform 64-bit integer."""
    key = f"{seed}\x1f{item}\x1f{purpose}".encode()
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "little")


def below(n: int, seed: int, item: str, purpose: str) -> int:
    """A uniform integer in [0, n); its bias is at most n / 2**64."""
    return (draw(seed, item, purpose) * n) >> 64


def shuffled(items: Sequence[Item], seed: int, item: str, purpose: str) -> list[Item]:
    """The items in a uniformly random order."""
    order = draws(len(items), seed, item, purpose)
    return [items[i] for i in sorted(range(len(items)), key=order.__getitem__)]
