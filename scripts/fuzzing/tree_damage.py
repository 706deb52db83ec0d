"""Damage to trees of JSON, msgpack and TOML: nodes of another type, missing, doubled, of another tree."""

from __future__ import annotations

import copy
import random
from typing import Any

from fuzzing.extremes import NUMBERS, value


def damaged(tree: Any, chance: random.Random) -> Any:
    """The same tree with one to a few nodes changed."""
    tree = copy.deepcopy(tree)
    for _ in range(chance.choice((1, 1, 1, 2, 4, 10))):
        places = list(_places(tree))
        if not places:
            return value(chance)
        holder, key = chance.choice(places)
        chance.choice(KINDS)(holder, key, chance, places)
    return tree


def _places(node: Any) -> list[tuple[Any, Any]]:
    """Every (holder, key or index) below a node; of long lists the first and the last alone."""
    found: list[tuple[Any, Any]] = []
    waiting = [node]
    while waiting:
        holder = waiting.pop()
        keys: list[Any] = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        for key in keys if len(keys) < 40 else [*keys[:3], keys[-1]]:
            found.append((holder, key))
            if isinstance(holder[key], (dict, list)):
                waiting.append(holder[key])
    return found


def _replaced(holder: Any, key: Any, chance: random.Random, _: list[Any]) -> None:
    holder[key] = value(chance)


def _other_number(holder: Any, key: Any, chance: random.Random, places: list[Any]) -> None:
    if isinstance(holder[key], (int, float)):
        holder[key] = chance.choice(NUMBERS)
    else:
        _replaced(holder, key, chance, places)


def _gone(holder: Any, key: Any, chance: random.Random, _: list[Any]) -> None:
    del holder[key]


def _swapped(holder: Any, key: Any, chance: random.Random, places: list[Any]) -> None:
    other, other_key = chance.choice(places)
    holder[key] = copy.deepcopy(other[other_key])


def _resized(holder: Any, key: Any, chance: random.Random, places: list[Any]) -> None:
    here = holder[key]
    if isinstance(here, list):
        holder[key] = chance.choice((here[:-1], here + here[-1:], here * 2, here[::-1], [here]))
    elif isinstance(here, (bytes, str)):
        holder[key] = chance.choice((here[:-1], here + here[-1:], here * 2, here[::-1], here[: len(here) // 2]))
    elif isinstance(here, dict):
        holder[key] = chance.choice(([here], list(here), list(here.values()), {**here, "": here.copy()}))
    else:
        _other_number(holder, key, chance, places)


def _renamed(holder: Any, key: Any, chance: random.Random, places: list[Any]) -> None:
    if isinstance(holder, dict):
        other = chance.choice([k for _, k in places])
        holder[chance.choice((str(other), f"{key}x", ""))] = holder.pop(key)
    else:
        holder.insert(chance.randrange(len(holder) + 1), value(chance))


KINDS = (_replaced, _replaced, _other_number, _other_number, _gone, _swapped, _resized, _renamed)
