"""Text that strangers have chosen, such as names of files, as people may read it: on terminals, in logs and pages."""

from __future__ import annotations

import re

HARMFUL = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters: they move the cursor, colour, begin lines of their own
    "\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"  # invisible ones, which turn the direction of writing
    "\ud800-\udfff]"  # halves of characters: bytes of a name that is no UTF-8
)
NUMBER = re.compile(r"0*([0-9]+)")
"""In a name, without the zeros before it."""
NUMPY = re.compile(r"\bnp\.(?:[a-z_]{1,12}[0-9]{0,3}\(b?([^()]{0,200})\)|(True|False)_)")
"""How a number or a text of numpy's is printed within a list, or by an error of its: np.float64(0.5)."""


def legible(text: object) -> str:
    r"""One line of text in which nothing acts on whoever shows it: such characters are spelt out, as \x1b."""
    return HARMFUL.sub(_spelt, str(text))


def legible_lines(text: object) -> str:
    """The same for text of several lines, and with tabulators; values in it are as `plain` has them."""
    return HARMFUL.sub(lambda match: match[0] if match[0] in "\n\t" else _spelt(match), plain(text))


def plain(text: object) -> str:
    """Words in which values stand as people write them, not as programs do: 0.5, not np.float64(0.5)."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return NUMPY.sub(lambda match: match[1] or match[2] or "", words)


def natural_key(name: str) -> str:
    """What to sort names by so that numbers in them go by their value, x_2 before x_10, and capitals count for nothing.

    Before the digits of a number stands how many they are.
    """
    return NUMBER.sub(lambda match: f"{len(match[1]):03d}{match[1]}", name.casefold())


def _spelt(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
