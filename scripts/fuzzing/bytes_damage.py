"""Damage that knows nothing of a format: what broken disks, half-finished copies and strangers do to bytes."""

from __future__ import annotations

import random
import re

WORDS = (
    b"\x00" * 8,
    b"\xff" * 8,
    b"\x7f" + b"\xff" * 7,
    b"\x80" + b"\x00" * 7,
    b"\x01" + b"\x00" * 7,
    b"\x00\x00\x00\x80",
)
DIGITS = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
NUMBERS = (
    b"0", b"-1", b"1e999", b"nan", b"inf", b"2147483648", b"4294967296", b"9223372036854775808",
    b"99999999999999999999", b"1e-320", b"-0.0", b"65536", b"3.4e38",
    b"1" * 400, b"9" * 5000, b"", b".", b"-", b"0x7f", b"1,5", b"\xff",
)  # fmt: skip


def damaged(content: bytes, chance: random.Random, other: bytes = b"") -> bytes:
    """One to a few kinds of damage; other : bytes of another file, parts of which may come in."""
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        content = chance.choice(KINDS)(content, chance, other)
    return content


def _flipped(content: bytes, chance: random.Random, _: bytes) -> bytes:
    changed = bytearray(content)
    for _n in range(chance.choice((1, 1, 2, 5, 50))):
        if changed:
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _overwritten(content: bytes, chance: random.Random, _: bytes) -> bytes:
    changed = bytearray(content)
    for _n in range(chance.choice((1, 1, 2, 5))):
        place = chance.randrange(len(changed) + 1)
        part = chance.choice((*WORDS, chance.randbytes(chance.randrange(1, 9))))
        changed[place : place + len(part)] = part
    return bytes(changed)


def _truncated(content: bytes, chance: random.Random, _: bytes) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def _zero_tail(content: bytes, chance: random.Random, _: bytes) -> bytes:
    start = chance.randrange(len(content) + 1)
    return content[:start] + bytes(len(content) - start)


def _hole(content: bytes, chance: random.Random, _: bytes) -> bytes:
    start = chance.randrange(len(content) + 1)
    length = chance.choice((1, 4, 512, 4096))
    return (
        content[:start]
        + chance.choice((b"\0", b"\xff")) * min(length, len(content) - start)
        + content[start + length :]
    )


def _spliced(content: bytes, chance: random.Random, other: bytes) -> bytes:
    source = other or content
    start = chance.randrange(len(source) + 1)
    part = source[start : start + chance.choice((1, 8, 64, 512, 5000))]
    place = chance.randrange(len(content) + 1)
    gone = chance.choice((0, len(part)))
    return content[:place] + part + content[place + gone :]


def _cut_out(content: bytes, chance: random.Random, _: bytes) -> bytes:
    start = chance.randrange(len(content) + 1)
    return content[:start] + content[start + chance.choice((1, 2, 8, 100, 2000)) :]


def _renumbered(content: bytes, chance: random.Random, _: bytes) -> bytes:
    """A number written in digits becomes another, at the head of the file where there are such."""
    found = list(DIGITS.finditer(content[: 1 << 15]))
    if not found:
        return _flipped(content, chance, b"")
    hit = chance.choice(found)
    return content[: hit.start()] + chance.choice(NUMBERS) + content[hit.end() :]


KINDS = (_flipped, _overwritten, _truncated, _zero_tail, _hole, _spliced, _cut_out, _renumbered, _renumbered)
