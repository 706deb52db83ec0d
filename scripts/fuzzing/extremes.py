"""Values that programs trip over, of every type that files and people's text may have."""

from __future__ import annotations

import random
from typing import Any

NUMBERS = (
    0, -1, 1, 2, -2, 3, 7, 1e-300, 1e300, -1e300, 5e-324, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**32 - 1, 2**32,
    2**53, 2**63 - 1, 2**63, -(2**63), 2**64 - 1, 1e18, 1e19, 65535, 65536, 255, 256, 0.5, -0.5, 1e7, 1e9, 1e-9,
    float("nan"), float("inf"), float("-inf"), -0.0, 10**30, 10**400,
)  # fmt: skip
TEXTS = (
    "", " ", "nan", "inf", "-inf", "1e999", "0x10", "1_000", "\0", "a\0b", "\n", "\x1b[2J", "é", "\u202e", "\U0001f4a9",
    "None", "null", "true", ".", "..", "/", "//", "/dev/zero", "/proc/self/mem", "../" * 20, "x" * 300, "x" * 5000,
    "9" * 5000, "1" * 40, "-", "--help", "{}", "{path}", "%s", "[1,2", "'", '"', ";", "#", "##########", "*", "?", "[",
    "\ud800", "P 1", "-P 4", "m", "mm", "furlong", "degree", "1/0", "٣",
)  # fmt: skip


DEEP = "@deep@"
"""Stands for lists in lists, thousands deep, which are put in its place in the bytes: they cannot be made otherwise."""


def number(chance: random.Random) -> float:
    """A number: extreme mostly, else of any size."""
    if chance.random() < 0.8:
        return chance.choice(NUMBERS)
    return chance.choice((chance.getrandbits(chance.randrange(1, 80)), chance.gauss(0, 10 ** chance.uniform(-20, 20))))


def value(chance: random.Random) -> Any:
    """Anything that JSON, msgpack or TOML may have where something else is expected."""
    kind = chance.randrange(9)
    if kind < 3:
        return number(chance)
    if kind < 5:
        return chance.choice(TEXTS)
    empties: tuple[Any, ...] = (
        None, True, False, [], {}, [[]], [None], {"": {}}, [0], [1, 2, 3], [[1, 0, 0]], "text", {"a": 1},
        [chance.choice(NUMBERS) for _ in range(3)], ["x"] * 3, list(range(9)), [[]] * 3, b"bytes", b"",
    )  # fmt: skip
    return chance.choice(empties) if kind < 8 else DEEP
