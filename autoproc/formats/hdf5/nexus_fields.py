"""Reading single values of a NeXus file: text, numbers with units, groups by class."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np

from autoproc.formats.hdf5.units import KINDS, UnknownUnit, unit_factor

MOST_QUOTED = 24
"""Characters of a text of the file that a message may repeat."""
USUAL_NAMES = {
    "NXentry": "entry", "NXinstrument": "instrument", "NXsample": "sample", "NXdetector": "detector", "NXbeam": "beam",
    "NXdetector_module": "module", "NXtransformations": "transformations",
}  # fmt: skip
"""What writers of NXmx call the groups that matter; other instruments and entries beside them are told apart so."""


def text(value: Any) -> str:
    """A string from bytes, a numpy string or an array of one."""
    if isinstance(value, h5py.Dataset):
        value = value[()]
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def is_external(group: h5py.Group, name: str) -> bool:
    """A member of a group is a link into another file, which may not be there yet."""
    return isinstance(group.get(name, getlink=True), h5py.ExternalLink)


def text_of(group: h5py.Group, name: str) -> str:
    """The text of a dataset of a group; empty where there is none."""
    item = group.get(name)
    return text(item).strip("\0 \t\r\n") if isinstance(item, h5py.Dataset) and item.dtype.kind in "OSUT" else ""


def attribute(item: h5py.Dataset | h5py.Group, name: str, default: str = "") -> str:
    """A text attribute."""
    return text(item.attrs[name]) if name in item.attrs else default


def unit_of(item: h5py.Dataset, default: str = "") -> str:
    """The unit that a dataset names; the default where it names none."""
    return attribute(item, "units", default).strip() or default


def factor_of(item: h5py.Dataset, unit: str, default_unit: str | None = None, given: str = "") -> float:
    """What the values of a dataset are to be multiplied by for `unit`. Raises UnknownUnit."""
    given = given or unit_of(item, default_unit or unit)
    factor = unit_factor(given, unit)
    if factor is None:
        raise UnknownUnit(path=item.file.filename, field=item.name, unit=quoted(given), kind=KINDS[unit], otherwise="")
    return factor


def quoted(said: str) -> str:
    """A short text of a file for a message; only its length where it is long or not printable."""
    if len(said) <= MOST_QUOTED and said.isprintable():
        return repr(said)
    return f"of {len(said)} characters"


def values_in(item: h5py.Dataset, unit: str, default_unit: str | None = None) -> np.ndarray:
    """All values of a dataset, 1-D float64, in mm, angstrom, deg, s or eV; in `default_unit` where none is given.

    Numbers written as text are taken as such. Raises UnknownUnit, or ValueError for other text.
    """
    try:
        values = np.atleast_1d(np.asarray(item[()], float)).ravel()
    except (TypeError, ValueError) as error:
        said = quoted(text(item)) if item.dtype.kind in "OSUT" else str(item.dtype)
        raise ValueError(f"{item.name} is {said}, not numbers") from error
    return values * factor_of(item, unit, default_unit)


def number(group: h5py.Group, name: str, unit: str | None = None, default_unit: str | None = None) -> float | None:
    """The first value of a dataset of a group, or None where it is not there or not a number. Raises UnknownUnit."""
    item = group.get(name)
    if not isinstance(item, h5py.Dataset) or not np.issubdtype(item.dtype, np.number) or not item.size:
        return None
    if unit is not None:
        return float(values_in(item, unit, default_unit)[0])
    return float(np.asarray(item[()]).ravel()[0])


def spare_number(group: h5py.Group, name: str, unit: str, default_unit: str, warnings: list[str]) -> float | None:
    """A number that can be done without: one of an unknown unit is warned of and left out."""
    try:
        return number(group, name, unit, default_unit)
    except UnknownUnit as error:
        warnings.append(
            f"{name.replace('_', ' ')} has the unit {error.facts['unit']}, which is no unit of {error.facts['kind']}: "
            "it is not used"
        )
        return None


def pixels(group: h5py.Group, name: str, pixel_size: float) -> float | None:
    """A position in pixels, which NeXus lets be a length too; pixel_size : mm."""
    value, item = number(group, name), group.get(name)
    length = unit_factor(unit_of(item), "mm") if isinstance(item, h5py.Dataset) and unit_of(item) else None
    return value if value is None or length is None else value * length / pixel_size


def groups_of_class(parent: h5py.Group, nx_class: str) -> list[h5py.Group]:
    """The groups directly below `parent` whose NX_class is `nx_class`: that of the usual name, then by name.

    A group that names no class has the one that its name is usual for.
    """
    usual = USUAL_NAMES.get(nx_class, "")
    found = []
    for name in sorted(parent, key=lambda name: name != usual):
        item = parent.get(name)
        said = attribute(item, "NX_class", nx_class if name == usual else "") if isinstance(item, h5py.Group) else ""
        if said == nx_class:
            found.append(item)
    return found
