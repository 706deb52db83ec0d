"""key=value parameters, as crystallographers give them on the command line."""

from __future__ import annotations

import difflib
import os
import re
import types
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import ValidationError

from autoproc.errors import ConfigurationError
from autoproc.legible import legible
from autoproc.params import Params

P = TypeVar("P", bound=Params)
BETWEEN_GROUPS = re.compile(r"[)\]]\s*,\s*[(\[]")
"""Where one group of values in brackets ends and the next begins, as in ((1, 2), (3, 4))."""
FROM_TO = re.compile(r"\d+-\d+")
WANTED = {
    "int_": "a whole number", "float_": "a number", "finite_number": "a finite number", "bool_": "true or false",
    "string_unicode": "UTF-8 text", "string_": "text",
    "tuple_": "values separated by commas", "list_": "values separated by commas",
    "path_": "a path", "dict_": "a table",
}  # fmt: skip
"""By how the library that checks values calls their kinds."""
LIKE = 0.65
"""Similarity, as difflib has it, from which a name may be a misspelling of another: `nonsense` has 0.5 of seed, `sed`
0.86."""
LONGEST_PART = 40
"""Characters of a part of a value that a message repeats."""
SEPARATORS = {"exclude_images": ",", "fix": ",", "mask": ";", "exclude_regions": ";", "rectangle": ";"}
"""Between the values of parameters that add up where they are given several times; of others the last one counts."""
KEY = re.compile(r"[A-Za-z]\w*(?:[.-]\w+)*")


class UnknownParameter(ConfigurationError):
    """A parameter that nothing knows."""

    what = "there is no parameter {key}"
    hint = "{suggestion}"


class BadParameter(ConfigurationError):
    """A parameter with a value that it cannot have."""

    what = "{key}={value} is not possible: {reason}"
    hint = "`{told_by}` shows every parameter with its meaning and default"


def split_arguments(arguments: Iterable[str]) -> tuple[list[str], dict[str, str]]:
    """Separate paths from key=value; a path with = in it must exist, or contain a / before the =."""
    paths: list[str] = []
    overrides: dict[str, str] = {}
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if equals and KEY.fullmatch(key) and not os.path.exists(argument):  # never raises: anything may be typed
            add(overrides, key.replace("-", "_"), value)
        else:
            paths.append(argument)
    return paths, overrides


def add(overrides: dict[str, str], key: str, value: str) -> None:
    """Put one more parameter among others."""
    separator = SEPARATORS.get(key.rpartition(".")[2], "")
    overrides[key] = f"{overrides[key]}{separator}{value}" if separator and key in overrides else value


def with_overrides(params: P, overrides: Mapping[str, Any], table: str, told_by: str = "") -> P:
    """The same parameters with some changed; values may be text. Raises UnknownParameter or BadParameter.

    table : of the configuration; empty for parameters that are in none, of which the command told_by tells. A field of
    parameters within parameters is changed by a mapping, or by `field.name`.
    """
    told_by = told_by or f"autoproc config {table.partition('.')[0]}"
    fields = type(params).model_fields
    values: dict[str, Any] = {name: getattr(params, name) for name in fields}
    for key, value in overrides.items():
        name, _, inner = key.partition(".")
        if name not in fields or (inner and not isinstance(values[name], Params)):
            raise UnknownParameter(key=_whole(table, key), suggestion=suggestion(name, fields, table, told_by))
        if isinstance(values[name], Params):
            if not inner and not isinstance(value, Mapping):
                known = ", ".join(f"{name}.{n}" for n in type(values[name]).model_fields)
                raise UnknownParameter(key=_whole(table, key), suggestion=f"it is a table: give one of {known}")
            changed = {inner: value} if inner else value
            values[name] = with_overrides(values[name], changed, _whole(table, name), told_by)
        else:
            values[name] = parsed(value, fields[name].annotation) if isinstance(value, str) else value
    try:
        return type(params).model_validate(values)
    except UnicodeEncodeError as error:  # bytes that are no UTF-8, which an argument may hold
        key = next((k for k, value in overrides.items() if not _is_text(value)), next(iter(overrides), ""))
        value = legible(overrides.get(key, ""))
        key = _whole(table, key)
        raise BadParameter(key=key, value=value, reason="it is not UTF-8 text", told_by=told_by) from error
    except ValidationError as error:
        first, *others = error.errors()
        n_missing = 1 + sum(e["type"] == "missing" and e["loc"][:-1] == first["loc"][:-1] for e in others)
        key = ".".join(str(part) for part in first["loc"][:1]) or _spoken_of(str(first["msg"]), overrides)
        raise BadParameter(
            key=_whole(table, key),
            value=overrides.get(key, ""),
            reason=_reason(first, n_missing, overrides.get(key, "")),
            told_by=told_by,
        ) from error


def _whole(table: str, key: str) -> str:
    """A parameter as it is typed."""
    return f"{table}.{key}" if table else key


def _is_text(value: object) -> bool:
    """It can be written as UTF-8."""
    return str(value).encode(errors="ignore").decode() == str(value)


def _spoken_of(words: str, overrides: Mapping[str, Any]) -> str:
    """Which of several values is meant by what is said of all together: the first that is named; else the first."""
    named = [word for word in re.findall(r"\w+", words) if word in overrides]
    return (named or [*overrides, ""])[0]


def _reason(error: Mapping[str, Any], n_missing: int, value: object) -> str:
    """Why a value was refused, without the vocabulary of the library that did; n_missing of its members lack."""
    given = error["input"]
    if error["type"] == "missing" and isinstance(given, (list, tuple)):
        return f"it takes {len(given) + n_missing} values, {len(given)} were given"
    if error["type"] == "too_long":
        return f"it takes {error['ctx']['max_length']} values, {error['ctx']['actual_length']} were given"
    for kind, wanted in WANTED.items():
        if error["type"].startswith(kind):
            return f"it takes {wanted}" + (f", and {given!r} is none" if _is_part(given, value) else "")
    return str(error["msg"]).removeprefix("Value error, ").replace("Input should", "it should")


def _is_part(given: object, value: object) -> bool:
    """What was refused is not the whole value, but one of several in it; short enough to be repeated."""
    return isinstance(given, str) and given != str(value).strip() and given.isprintable() and len(given) <= LONGEST_PART


def suggestion(key: str, known: Iterable[str], table: str = "", told_by: str = "autoproc config") -> str:
    """The nearest known names, in words; table : that they belong to; told_by : the command that prints them all."""
    near = difflib.get_close_matches(key, list(known), n=3, cutoff=LIKE)
    whole = [_whole(table, name) for name in near]
    return f"did you mean {' or '.join(whole)}?" if near else f"`{told_by}` prints every parameter"


def parsed(value: str, annotation: Any) -> Any:
    """Text as the kind of value that a field takes: none, numbers, 1,2,3 or 1,2;3,4, or ((1, 2), (3, 4))."""
    if value.strip().lower() in ("none", "auto", "") and _allows_none(annotation):
        return None
    if _is_sequence(annotation):
        inner = _item_annotation(annotation)
        if _is_sequence(inner):
            groups = [part.strip("()[], ") for part in BETWEEN_GROUPS.sub(";", value).split(";")]
            return [parsed(group, inner) for group in groups if group]
        if inner is int and FROM_TO.fullmatch(value.strip()):
            return value.strip().split("-")
        return [part.strip() for part in value.strip("()[] ").replace(",", " ").split()]
    return value.strip()


def value_in_words(value: Any) -> str:
    """A value as it is given on the command line."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        parts = [value_in_words(part) for part in value]
        return (";" if any(isinstance(part, list) for part in value) else ",").join(parts)
    if isinstance(value, Mapping):
        return " ".join(f"{name}={value_in_words(part)}" for name, part in value.items())
    return str(value)


def _members(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) in (Union, types.UnionType):
        return get_args(annotation)
    return (annotation,)


def _allows_none(annotation: Any) -> bool:
    return type(None) in _members(annotation)


def _is_sequence(annotation: Any) -> bool:
    return any(get_origin(m) in (tuple, list) or m in (tuple, list) for m in _members(annotation))


def _item_annotation(annotation: Any) -> Any:
    for member in _members(annotation):
        if get_origin(member) in (tuple, list) and get_args(member):
            return get_args(member)[0]
    return str
