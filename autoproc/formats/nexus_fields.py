"""Reading single values of a NeXus file: text, numbers with units, groups by class."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np

LENGTHS_MM = {"m": 1e3, "cm": 10.0, "mm": 1.0, "um": 1e-3, "micron": 1e-3, "nm": 1e-6, "angstrom": 1e-7}
LENGTHS_MM |= {"metre": 1e3, "meter": 1e3, "metres": 1e3, "meters": 1e3, "millimetre": 1.0, "millimeter": 1.0}
ANGLES_DEG = {"deg": 1.0, "degree": 1.0, "degrees": 1.0, "rad": 57.29577951308232, "radian": 57.29577951308232}
TIMES_S = {"s": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "us": 1e-6}
UNITS = {"mm": LENGTHS_MM, "deg": ANGLES_DEG, "s": TIMES_S}


def text(value: Any) -> str:
    """A string from bytes, a numpy string or an array of one."""
    if isinstance(value, h5py.Dataset):
        value = value[()]
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def attribute(item: h5py.Dataset | h5py.Group, name: str, default: str = "") -> str:
    """A text attribute."""
    return text(item.attrs[name]) if name in item.attrs else default


def values_in(item: h5py.Dataset, unit: str, default_unit: str | None = None) -> np.ndarray:
    """All values of a dataset, 1-D float64, in mm, deg or s; the unit `default_unit` where none is given."""
    given = attribute(item, "units", default_unit or unit).strip().lower()
    factors = UNITS[unit]
    if given not in factors:
        raise ValueError(f"{item.name} has the unit {given!r}, expected one of {', '.join(factors)}")
    return np.atleast_1d(np.asarray(item[()], float)).ravel() * factors[given]


def number(group: h5py.Group, name: str, unit: str | None = None, default_unit: str | None = None) -> float | None:
    """The first value of a dataset of a group, or None where it is not there or not a number."""
    item = group.get(name)
    if not isinstance(item, h5py.Dataset) or not np.issubdtype(item.dtype, np.number) or not item.size:
        return None
    if unit is not None:
        return float(values_in(item, unit, default_unit)[0])
    return float(np.asarray(item[()]).ravel()[0])


def groups_of_class(parent: h5py.Group, nx_class: str) -> list[h5py.Group]:
    """The groups directly below `parent` whose NX_class is `nx_class`, in the order of their names."""
    found = []
    for name in parent:
        item = parent.get(name)
        if isinstance(item, h5py.Group) and attribute(item, "NX_class") == nx_class:
            found.append(item)
    return found


def wavelength_angstrom(group: h5py.Group) -> float | None:
    """incident_wavelength of a beam group, or that of its energy, Angstrom."""
    item = group.get("incident_wavelength") or group.get("wavelength")
    if isinstance(item, h5py.Dataset) and item.size:
        factor = LENGTHS_MM.get(attribute(item, "units", "angstrom").strip().lower(), 1e-7) / 1e-7
        return float(np.asarray(item[()]).ravel()[0]) * factor
    energy = number(group, "incident_energy")
    if energy:
        factor = 1e3 if attribute(group["incident_energy"], "units", "ev").lower() == "kev" else 1.0
        return 12398.41984 / (energy * factor)
    return None
