"""Reflections: a table of equally long numpy columns, from found spots to scaled intensities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import IntFlag

import numpy as np
from numpy.typing import ArrayLike

from autoproc.errors import MissingColumn
from autoproc.models.columns import COLUMNS, origin_of


class Flag(IntFlag):
    """What is known of a reflection; the values are those of DIALS."""

    PREDICTED = 1 << 0
    OBSERVED = 1 << 1
    INDEXED = 1 << 2
    USED_IN_REFINEMENT = 1 << 3
    STRONG = 1 << 5
    REFERENCE_SPOT = 1 << 6
    DONT_INTEGRATE = 1 << 7
    INTEGRATED_SUM = 1 << 8
    INTEGRATED_PRF = 1 << 9
    OVERLOADED = 1 << 10
    OVERLAPPED_BG = 1 << 11
    OVERLAPPED_FG = 1 << 12
    IN_POWDER_RING = 1 << 13
    FOREGROUND_INCLUDES_BAD_PIXELS = 1 << 14
    BACKGROUND_INCLUDES_BAD_PIXELS = 1 << 15
    INCLUDES_BAD_PIXELS = FOREGROUND_INCLUDES_BAD_PIXELS | BACKGROUND_INCLUDES_BAD_PIXELS
    USED_IN_MODELLING = 1 << 16
    CENTROID_OUTLIER = 1 << 17
    FAILED_DURING_BACKGROUND_MODELLING = 1 << 18
    FAILED_DURING_SUMMATION = 1 << 19
    FAILED_DURING_PROFILE_FITTING = 1 << 20
    BAD_REFERENCE = 1 << 21
    USER_EXCLUDED_IN_SCALING = 1 << 22
    OUTLIER_IN_SCALING = 1 << 23
    EXCLUDED_FOR_SCALING = 1 << 24
    BAD_FOR_SCALING = USER_EXCLUDED_IN_SCALING | OUTLIER_IN_SCALING | EXCLUDED_FOR_SCALING
    EXCLUDED_FOR_REFINEMENT = 1 << 25
    SCALED = 1 << 26


class Reflections:
    """Equally long columns by name (see models.columns), treated as immutable.

    `table["hkl"]` is a column; `table[mask]` or `table[indices]` selects rows into a new table;
    `table.replace(hkl=...)` returns a table with columns added or changed. `identifiers` maps an
    experiment_id to the identifier of its experiment. Columns may be shared between tables: never
    write into one in place unless you made it yourself.
    """

    __slots__ = ("__weakref__", "_columns", "_length", "identifiers")

    def __init__(self, columns: Mapping[str, ArrayLike], identifiers: Mapping[int, str] | None = None) -> None:
        self._columns: dict[str, np.ndarray] = {}
        self._length = 0
        self.identifiers = dict(identifiers or {})
        for n, (name, values) in enumerate(columns.items()):
            array = _checked(name, values)
            if n and len(array) != self._length:
                raise ValueError(f"column {name} has {len(array)} rows, the columns before it {self._length}")
            self._columns[name] = array
            self._length = len(array)

    def __len__(self) -> int:
        return self._length

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __getitem__(self, key):  # type: ignore[no-untyped-def]
        """A column by name, or the rows of a mask, slice or index array as a new table."""
        if isinstance(key, str):
            try:
                return self._columns[key]
            except KeyError:
                raise MissingColumn(column=key, **origin_of(key)) from None
        if isinstance(key, np.ndarray) and key.dtype == bool and len(key) == len(self) and key.all():
            return self  # which does not change
        return Reflections({name: column[key] for name, column in self._columns.items()}, self.identifiers)

    def __repr__(self) -> str:
        return f"Reflections({len(self)} rows: {', '.join(self._columns)})"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self._columns)

    def replace(self, **columns: ArrayLike) -> Reflections:
        """The same table with columns added or replaced."""
        return Reflections({**self._columns, **columns}, self.identifiers)

    def only(self, *names: str) -> Reflections:
        """The table of some columns, of those that it has: to select rows of few columns is to copy few."""
        return Reflections({n: c for n, c in self._columns.items() if n in names}, self.identifiers)

    def without(self, *names: str) -> Reflections:
        """The same table without some columns; names that are not there are ignored."""
        return Reflections({n: c for n, c in self._columns.items() if n not in names}, self.identifiers)

    def with_identifiers(self, identifiers: Mapping[int, str]) -> Reflections:
        """The same table for other experiments."""
        return Reflections(self._columns, identifiers)

    def has_flag(self, flag: Flag) -> np.ndarray:
        """(N,) bool: all bits of `flag` are set."""
        return (self["flags"] & np.uint64(flag)) == np.uint64(flag)

    def has_any_flag(self, flag: Flag) -> np.ndarray:
        """(N,) bool: at least one bit of `flag` is set."""
        return (self["flags"] & np.uint64(flag)) != 0

    def with_flag(self, flag: Flag, where: ArrayLike | None = None) -> Reflections:
        """The same table with `flag` set, everywhere or where the mask says."""
        rows = np.ones(len(self), bool) if where is None else np.asarray(where, bool)
        return self.replace(flags=np.where(rows, self["flags"] | np.uint64(flag), self["flags"]))

    def without_flag(self, flag: Flag, where: ArrayLike | None = None) -> Reflections:
        """The same table with the bits of `flag` cleared, everywhere or where the mask says."""
        rows = np.ones(len(self), bool) if where is None else np.asarray(where, bool)
        return self.replace(flags=np.where(rows, self["flags"] & ~np.uint64(flag), self["flags"]))

    @staticmethod
    def concatenate(tables: Sequence[Reflections]) -> Reflections:
        """Tables one below the other: the columns that all of them have; identifiers united."""
        if not tables:
            return Reflections({})
        names = [n for n in tables[0].names if all(n in t for t in tables)]
        identifiers = {i: s for t in tables for i, s in t.identifiers.items()}
        return Reflections({n: np.concatenate([t[n] for t in tables]) for n in names}, identifiers)


def _checked(name: str, values: ArrayLike) -> np.ndarray:
    if name not in COLUMNS:
        raise ValueError(f"{name} is not a column that models.columns knows")
    spec = COLUMNS[name]
    array: np.ndarray = np.ascontiguousarray(values, dtype=spec.dtype)
    expected = 1 if spec.width == 1 else 2
    if array.ndim != expected or (spec.width > 1 and array.shape[1] != spec.width):
        raise ValueError(f"column {name} has shape {array.shape}, expected (N, {spec.width})")
    return array
