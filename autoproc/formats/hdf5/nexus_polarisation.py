"""The polarisation of the beam in HDF5 masters: NXbeam's Stokes vector, in the spellings that NXmx has had."""

from __future__ import annotations

from dataclasses import replace

import h5py
import numpy as np

from autoproc.formats.hdf5.nexus_fields import groups_of_class
from autoproc.formats.images.polarisation import Polarisation, from_stokes

STOKES = ("incident_polarization_stokes", "incident_polarisation_stokes")
SAME = 0.01
"""Of the fraction, and of the cosine between normals: 1% changes intensities by no more than noise. Chosen."""


def polarisation_in(entry: h5py.Group) -> Polarisation:
    """Of the first NXbeam of instrument or sample that gives it; the mean of one vector an image.

    It is warned of another NXbeam that says something else.
    """
    said = _said(entry)
    if not said:
        return Polarisation()
    (name, first), *others = said
    for that, other in others:
        if _differ(first, other):
            warning = (
                f"{name} says that {first.fraction:.3f} of the beam is polarised in one plane, {that} says "
                f"{other.fraction:.3f} or another plane: the first is used; polarization_fraction= overrides it"
            )
            return replace(first, warning=warning)
    return first


def _said(entry: h5py.Group) -> list[tuple[str, Polarisation]]:
    """(path, what it says) of every Stokes vector of the beam."""
    holders = [*groups_of_class(entry, "NXinstrument"), *groups_of_class(entry, "NXsample")]
    found = []
    for beam in (b for holder in holders for b in groups_of_class(holder, "NXbeam")):
        for name in STOKES:
            item = beam.get(name)
            if isinstance(item, h5py.Dataset) and item.shape and item.shape[-1] == 4 and item.dtype.kind in "fiu":
                stokes = np.asarray(item[()], float).reshape(-1, 4).mean(axis=0)
                found.append((item.name, from_stokes(tuple(float(value) for value in stokes))))
    return found


def _differ(one: Polarisation, other: Polarisation) -> bool:
    """Both are known, and their fraction or plane is not the same."""
    if one.fraction is None or other.fraction is None:
        return False
    along = abs(float(np.dot(one.normal, other.normal)))
    return abs(one.fraction - other.fraction) > SAME or (one.fraction > 0.5 + SAME and along < 1 - SAME)
