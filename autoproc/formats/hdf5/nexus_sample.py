"""What an NXmx master says of its sample: cell, space group, formula, as whoever wrote it was told.

The fields are those of the base class NXsample of NeXus: unit_cell_abc and unit_cell_alphabetagamma, or unit_cell of
six numbers; space_group, which some call unit_cell_group; chemical_formula; name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py

from autoproc.formats.boundary import reads_file
from autoproc.formats.hdf5.image_data import entry_of
from autoproc.formats.hdf5.nexus_fields import groups_of_class, text_of, values_in
from autoproc.formats.hdf5.nexus_geometry import choose_sample
from autoproc.formats.hdf5.open_hdf5 import open_hdf5

MOST_VALUES = 600
"""Numbers in a field of cells: those of a hundred components; more are no cells, and are not read."""
TEXTS = {"spaceGroup": ("space_group", "unit_cell_group"), "chemicalFormula": ("chemical_formula",), "name": ("name",)}
"""By the names of service/visits/sample_facts.py, the fields that hold them, the first that is there."""


@reads_file
def said_of_sample(path: str | Path) -> dict[str, Any]:
    """What the sample that was turned is said to be, by the names of ISPyB; lengths in Angstrom, angles in degrees.

    Of several components the first. Raises what readers raise (see formats.boundary).
    """
    with open_hdf5(path) as handle:
        entry = entry_of(handle)
        others = [] if entry is None else choose_sample(entry)[1]
        samples = [] if entry is None else groups_of_class(entry, "NXsample")
        return next((_said(sample) for sample in samples if sample not in others), {})


def _said(sample: h5py.Group) -> dict[str, Any]:
    found: dict[str, Any] = {}
    lengths, angles = _values(sample, "unit_cell_abc", "angstrom"), _values(sample, "unit_cell_alphabetagamma", "deg")
    whole = _values(sample, "unit_cell", "angstrom")
    if lengths and angles:
        found["cell"] = [*lengths[:3], *angles[:3]]
    elif whole:
        found["cell"] = whole[:6]
    for key, names in TEXTS.items():
        said = next(filter(None, (text_of(sample, name) for name in names)), "")
        if said:
            found[key] = said
    return found


def _values(sample: h5py.Group, name: str, unit: str) -> list[float]:
    item = sample.get(name)
    if not isinstance(item, h5py.Dataset) or not 0 < item.size <= MOST_VALUES or item.dtype.kind not in "iuf":
        return []
    return [float(value) for value in values_in(item, unit, unit)]
