"""How a sweep stands in the group that its data are part of: what the group has settled, and what is left.

A wedge alone is incomplete, and often cannot tell its space group. Where its group is complete and tells it, that is no
reason to look at the wedge; what is wrong with the wedge itself still is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autoproc.wording import in_brief

COMPLETENESS = "completeness"
"""The check of a group that says whether it is complete."""
MOST_LETTERS = 80
"""Of why a sweep was left out; the group's summary has all of it."""
SYMMETRY = "symmetry: "
"""How the names of a group's doubts about its symmetry begin."""
LEFT_OUT = "left out of "
"""How it begins in words where a group is made without a sweep's data."""


def standings(
    group: str, result: Mapping[str, Any], sweeps: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """How each sweep of a group stands in it, by its name: in words, with the verdict on what is left of its doubts.

    settled : names of the others; space_group : which the group tells and the sweep could not, "" for none
    group : its name; result : the gist of its summary; sweeps : those of the summaries of its sweeps, by their names
    """
    return {name: _standing(name, group, result, own) for name, own in sweeps.items()}


def _standing(name: str, group: str, result: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    of_sweep = (result.get("aside") or {}).get(name) or {}
    if name in of_sweep or len(of_sweep) >= max(own.get("n_lattices") or 1, 1):
        words = f"{LEFT_OUT}{group}: {in_brief(next(iter(of_sweep.values())), MOST_LETTERS)}"
        verdict = _worst(["look", own.get("verdict") or "look"])
        return {"name": group, "words": words, "settled": [], "space_group": "", "verdict": verdict}
    doubts = own.get("doubts") or []
    settled = [doubt["name"] for doubt in doubts if _is_settled(doubt, result)]
    left = [doubt["verdict"] for doubt in doubts if doubt["name"] not in settled]
    is_told = bool(doubts) or own.get("status") == "failed"  # results of earlier versions do not say
    verdict = _worst(["good", *left]) if is_told else own.get("verdict") or ""
    told = (
        str(result["space_group"])
        if any(doubt["lacks"] == "symmetry" for doubt in doubts if doubt["name"] in settled)
        else ""
    )
    words = _part_of(group, result, told)
    if of_sweep:
        verdict = _worst(["look", verdict or "look"])
        out = "; ".join(f"{each}: {in_brief(why, MOST_LETTERS)}" for each, why in of_sweep.items())
        words = f"{words}, but for {out}"
    if name in (result.get("suffer") or ()):
        verdict, words = _worst(["look", verdict or "look"]), f"{words}; this crystal is damaged, as the group tells"
    return {"name": group, "words": words, "settled": settled, "space_group": told, "verdict": verdict}


def _is_settled(doubt: Mapping[str, str], group: Mapping[str, Any]) -> bool:
    """The group's data are free of a doubt that more data can settle."""
    if doubt["lacks"] == "coverage":
        return doubt["name"] not in (group.get("look_at") or ()) and _is_complete(group)
    return doubt["lacks"] == "symmetry" and _tells_symmetry(group)


def _is_complete(group: Mapping[str, Any]) -> bool:
    return group.get("completeness") is not None and COMPLETENESS not in (group.get("look_at") or ())


def _tells_symmetry(group: Mapping[str, Any]) -> bool:
    """No doubt is left of the group's space group; one of which to beware is no witness."""
    doubts = [name for name in group.get("look_at") or () if name.startswith(SYMMETRY)]
    is_sound = bool(group.get("space_group")) and group.get("verdict") != "bad"
    return is_sound and not doubts and not group.get("alternatives")


def _part_of(group: str, result: Mapping[str, Any], told: str) -> str:
    complete = "which is complete" if _is_complete(result) else "which is not complete yet"
    tells = f" and settles the space group: {told}" if told else ""
    beware = "; beware of the group, its summary says why" if result.get("verdict") == "bad" else ""
    return f"part of {group}, {complete}{tells}{beware}"


def _worst(verdicts: Sequence[str]) -> str:
    return next(verdict for verdict in ("bad", "look", "good") if verdict in verdicts)


def group_of(result: Mapping[str, Any]) -> Mapping[str, Any]:
    """How a sweep stands in its group, as the queue keeps it with the result; empty without a group."""
    return result.get("group") or {}


def is_left_out(standing: Mapping[str, Any]) -> bool:
    """Whether a group is made without the data of a sweep that stands so in it."""
    return str(standing.get("words", "")).startswith(LEFT_OUT)


def verdict_of(result: Mapping[str, Any]) -> str:
    """What the checks of a sweep came to, but for what its group has settled; "" where nobody knows."""
    return str(group_of(result).get("verdict") or result.get("verdict") or "")


def doubts_left(result: Mapping[str, Any]) -> list[str]:
    """Names of the checks that are not good and that its group has not settled, the gravest first."""
    settled = group_of(result).get("settled") or ()
    return [name for name in result.get("look_at") or () if name not in settled]


def said_in_doubt(result: Mapping[str, Any]) -> list[str]:
    """What is to be warned of, whole, but for what its group has settled.

    That little was measured goes last unless it is grave: it is as true of good crystals as of dying ones.
    """
    settled = set(settled_warnings(result))
    doubts = result.get("doubts") or ()
    of_little = {doubt["says"] for doubt in doubts if doubt["verdict"] != "bad" and doubt["lacks"]}
    left = [said for said in result.get("warnings") or () if said not in settled]
    return sorted(left, key=lambda said: said in of_little)


def settled_warnings(result: Mapping[str, Any]) -> list[str]:
    """What a sweep's summary warns of, and its group has settled."""
    settled = group_of(result).get("settled") or ()
    return [doubt["says"] for doubt in result.get("doubts") or () if doubt["name"] in settled]
