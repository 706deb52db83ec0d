"""The polarisation of the beam in HDF5 masters: NXbeam's Stokes vector, in the spellings that NXmx has had."""

from __future__ import annotations

import h5py
import numpy as np

from autoproc.formats.nexus_fields import groups_of_class
from autoproc.formats.polarisation import Polarisation, from_stokes

STOKES = ("incident_polarization_stokes", "incident_polarisation_stokes")


def polarisation_in(entry: h5py.Group) -> Polarisation:
    """Of the first NXbeam of instrument or sample that gives it; the mean of one vector an image."""
    holders = [*groups_of_class(entry, "NXinstrument"), *groups_of_class(entry, "NXsample")]
    for beam in (b for holder in holders for b in groups_of_class(holder, "NXbeam")):
        for name in STOKES:
            item = beam.get(name)
            if isinstance(item, h5py.Dataset) and item.shape and item.shape[-1] == 4 and item.dtype.kind in "fiu":
                stokes = np.asarray(item[()], float).reshape(-1, 4).mean(axis=0)
                return from_stokes(tuple(float(value) for value in stokes))
    return Polarisation()
