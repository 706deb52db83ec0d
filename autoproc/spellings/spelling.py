"""What one parameter of DIALS is here, and how its values are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Convert = Callable[[str], tuple[str, ...] | None]
"""From the text of a value to that of our fields, one for each; None where there is nothing like it."""

THREADS = "run.n_threads"


def as_it_is(text: str) -> tuple[str, ...]:
    """The same value."""
    return (text,)


@dataclass(frozen=True, slots=True)
class Spelling:
    """One parameter of a DIALS program.

    path : its scopes and name; ours : fields as table.name, several separated by commas, "" where there is nothing
    like it; instead : what to do then, or for a value that is not possible here, in words
    fine : values in lower case that are what is done anyway; convert : for other values
    """

    path: str
    ours: str = ""
    instead: str = ""
    fine: tuple[str, ...] = ()
    convert: Convert = as_it_is

    @property
    def fields(self) -> tuple[str, ...]:
        """Those of ours that it changes."""
        return tuple(self.ours.split(",")) if self.ours else ()


def unquoted(text: str) -> str:
    """A value without quotes; of a choice with the chosen word starred, that word."""
    words = text.strip().strip("'\"").split()
    starred = [word[1:] for word in words if word.startswith("*")]
    return starred[0] if len(starred) == 1 else " ".join(words)


def word_for(choices: Mapping[str, str]) -> Convert:
    """One word for another, whatever its case; None for words that are not there."""

    def convert(text: str) -> tuple[str, ...] | None:
        found = choices.get(text.lower())
        return None if found is None else (found,)

    return convert


def number_or(**words: str) -> Convert:
    """A value as it is, but for some words in lower case."""
    return lambda text: (words.get(text.lower(), text),)


def several(n: int, order: tuple[int, ...]) -> Convert:
    """The parts of a list in another order; None if there are not n, or n and a number of a panel before them, 0."""

    def convert(text: str) -> tuple[str, ...] | None:
        parts = text.strip("()[] ").replace(",", " ").split()
        if len(parts) == n + 1 and parts[0] == "0":
            parts = parts[1:]
        return (",".join(parts[k] for k in order),) if len(parts) == n else None

    return convert


def split_in_two(text: str) -> tuple[str, ...] | None:
    """Two values, each for a field of its own."""
    parts = text.strip("()[] ").replace(",", " ").split()
    return (parts[0], parts[1]) if len(parts) == 2 else None


def resolution_limits(text: str) -> tuple[str, ...] | None:
    """Two resolution limits in any order, as the low one and the high one."""
    parts = split_in_two(text)
    try:
        return None if parts is None else tuple(sorted(parts, key=float, reverse=True))
    except ValueError:
        return None


def image_ranges(text: str) -> tuple[str, ...] | None:
    """exp:start:end, several separated by commas, as start-end where exp is 0 (or not given); None for other exps."""
    found = []
    for part in text.strip("()[] ").replace(",", " ").split():
        match part.split(":"):
            case [("" | "0"), first, last] | [first, last]:
                found.append(f"{first}-{last}")
            case [one] if "-" in one or one.isdigit():
                found.append(one)
            case _:
                return None
    return (",".join(found),)


def one_in(text: str) -> tuple[str, ...] | None:
    """A fraction as the number of equal parts."""
    try:
        return (str(round(1 / float(text))),)
    except (ValueError, ZeroDivisionError):
        return None
