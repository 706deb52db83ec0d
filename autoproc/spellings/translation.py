"""From a parameter as it was typed to our own: which table, which field, which value."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping

from autoproc.errors import ConfigurationError
from autoproc.overrides import UnknownParameter
from autoproc.spellings.dials_parameters import ANY_STEP, BY_STEP, WHERE_FILES_GO
from autoproc.spellings.spelling import Spelling, as_it_is, unquoted

Fields = Mapping[str, Iterable[str]]
"""The names of the fields of each table."""
SELDOM_MEANT = (
    "bravais-settings", "reindex", "search-beam-position", "find-rotation-axis", "damage-analysis", "export",
)  # fmt: skip
"""Steps that are not part of every processing: where no step is named, the others come first, and the parameters of
refinement are those of refine, not of index."""
NEAR = 0.7
"""Similarity, as difflib has it, from which a name is a misspelling of another: `sigma_strng` has 0.96 of sigma_strong,
`prediction` 0.6 of decisions, which it is not."""
AS_NEAR = 0.05
"""By how much a second name may be less like what was typed, and be told too: `d_man` has the same 0.75 of d_min and
d_max; `free_r_set` 0.95 of free_r_sets and 0.82 of free_r_seed, which is not told. Without their underscores."""
NEAR_WHOLE = 0.85
"""The same for names with scopes, which are longer: `predicton.d_min` has 0.97 of prediction.d_min."""


class NothingLikeIt(ConfigurationError):
    """A parameter of DIALS, or a value of one, for which there is something else to do."""

    what = "{key}={value} of DIALS has no equal here"
    hint = "{instead}"


class OfAnotherStep(ConfigurationError):
    """A parameter that acts in another step than the one it was given to."""

    what = "{key}={value} does not act in autoproc {step}"
    hint = "give {own} to autoproc {other}"


def own_changes(
    key: str, value: str, fields: Fields, table: str | None = None, steps: Mapping[str, str] | None = None,
    also: str = "",
) -> dict[str, str]:  # fmt: skip
    """What a parameter in any spelling changes: values by table.field; nothing where it is what is done anyway.

    table : of the step that it was given to, None where it was given to all of them
    steps : the table of each subcommand; also : a second table that the step takes parameters of
    Raises UnknownParameter, NothingLikeIt, OfAnotherStep.
    """
    steps = steps or {}
    step = next((name for name, own in steps.items() if own == table), None) if table else None
    own = _own(key, fields, table)
    found = _spelled(key if own is None else own.partition(".")[2], step)
    if own is not None:
        same = next((s for s in found if s.fields == (own,) and s.convert is not as_it_is), None)
        parts = None if same is None else same.convert(unquoted(value))
        return {own: value} if parts is None else {own: parts[0]}
    if not found:
        whole = f"{table}.{key}" if table and "." not in key else key
        raise UnknownParameter(key=whole, suggestion=nearest(key, fields, table))
    meant = {s.ours: s for s in found}
    useful = [ours for ours in meant if ours]
    if len(useful) > 1 and (step is None or _is_of(step, key)):
        raise UnknownParameter(key=key, suggestion=f"say which: {', '.join(useful)}")
    changes = _converted(meant[useful[0]] if useful else found[0], key, value)
    for name in changes:
        owner = name.partition(".")[0]
        if table is not None and owner not in (table, also, "run"):
            other = next((s for s, t in steps.items() if t == owner), owner)
            told = f"{name.partition('.')[2]}={changes[name]}"
            raise OfAnotherStep(key=key, value=value, step=step, own=told, other=other)
    return changes


def _own(key: str, fields: Fields, table: str | None) -> str | None:
    """The parameter if it is one of ours by its name: table.field, or a field of the step's table."""
    first, dot, _ = key.partition(".")
    if dot and first in fields:
        return key
    return f"{table}.{key}" if table is not None and first in fields.get(table, ()) else None


def _is_of(step: str, key: str) -> bool:
    """The step itself has such a parameter; those of several others are no choice for it, and the first is told."""
    return any(_ending_in(key, BY_STEP.get(step, ())))


def _spelled(key: str, step: str | None) -> list[Spelling]:
    """Those parameters of DIALS whose path is this or ends in it; of one step's, else of all steps'."""
    mine = list(_ending_in(key, [*BY_STEP[step], *ANY_STEP] if step in BY_STEP else []))
    mine = mine or [s for s in ANY_STEP if key.endswith(f".{s.path}")]
    if mine:
        return mine
    usual: list[Spelling] = [*ANY_STEP]
    seldom: list[Spelling] = []
    for name, of_step in BY_STEP.items():
        for s in of_step:
            is_seldom = name in SELDOM_MEANT or (name == "index" and s.path.startswith("refinement."))
            (seldom if is_seldom else usual).append(s)
    for spellings in (usual, seldom, [*WHERE_FILES_GO]):
        found = list(_ending_in(key, spellings))
        if found:
            return found
    return []


def _ending_in(key: str, spellings: Iterable[Spelling]) -> Iterator[Spelling]:
    return (s for s in spellings if f".{s.path}".endswith(f".{key}"))


def _converted(spelling: Spelling, key: str, value: str) -> dict[str, str]:
    """Our fields with their values. Raises NothingLikeIt."""
    text = unquoted(value)
    if text.lower() in spelling.fine:
        return {}
    parts = spelling.convert(text) if spelling.ours else None
    if parts is None:
        raise NothingLikeIt(key=key, value=value, instead=spelling.instead or f"{spelling.ours} has other values")
    return dict(zip(spelling.fields, parts, strict=True))


def nearest(key: str, fields: Fields, table: str | None = None) -> str:
    """The names most like one that nothing knows, in words; those of the table first."""
    whole = _near_whole(key, fields)
    if whole:
        return f"did you mean {whole}?"
    last = key.rpartition(".")[2]
    first = key.partition(".")[0]
    owner = first if first in fields else table
    tables = [owner] if owner is not None and owner in fields else list(fields)
    names = {name: [t for t in tables if name in fields[t]] for t in tables for name in fields[t]}
    words = [f"{t}.{name}" for name in _most_like(last, names) for t in names[name]]
    if not words:
        paths = {s.path.rpartition(".")[2]: s for spellings in BY_STEP.values() for s in spellings if s.ours}
        words = [_in_words(paths[name]) for name in _most_like(last, paths)]
    return f"did you mean {' or '.join(words[:3])}?" if words else f"`{_all_of(owner)}` prints every parameter"


def _all_of(table: str | None) -> str:
    """The command that prints every parameter of a table."""
    return f"autoproc config {table}" if table else "autoproc config"


def _most_like(name: str, names: Iterable[str]) -> list[str]:
    """The names most like one that was typed: the nearest, and another one only if it is as near, or nearly so."""
    near = difflib.get_close_matches(name, names, n=2, cutoff=NEAR)
    likeness = [difflib.SequenceMatcher(None, one.replace("_", ""), name.replace("_", "")).ratio() for one in near]
    return [one for one, ratio in zip(near, likeness, strict=True) if ratio > max(likeness) - AS_NEAR]


def _near_whole(key: str, fields: Fields) -> str:
    """The name with scopes that a key with scopes is a misspelling of; empty if there is none."""
    n = key.count(".") + 1
    known = {f"{table}.{name}": f"{table}.{name}" for table in fields for name in fields[table]}
    ends = {".".join(s.path.split(".")[-n:]): _in_words(s) for b in BY_STEP.values() for s in b if s.ours}
    near = difflib.get_close_matches(key, known | ends, n=1, cutoff=NEAR_WHOLE) if n > 1 else []
    return known.get(near[0]) or ends[near[0]] if near else ""


def _in_words(spelling: Spelling) -> str:
    return f"{spelling.path} ({' and '.join(spelling.fields)} here)"
