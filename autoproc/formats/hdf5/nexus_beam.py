"""The wavelength of a NeXus file, from whichever of its fields give it."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from autoproc.formats.hdf5.nexus_fields import groups_of_class, values_in
from autoproc.formats.hdf5.units import ELECTRONVOLT_ANGSTROM, UnknownUnit
from autoproc.formats.header_values import required_wavelength

MAX_DISAGREEMENT = 0.01
"""Of two wavelengths in one file, relative: beamlines round to a part in a thousand, mistakes are larger."""


def wavelength_of(
    path: Path, entry: h5py.Group, instrument: h5py.Group, override: float | None, warnings: list[str]
) -> float:
    """The wavelength, Angstrom; the user's where it is given. Fields that disagree are warned of.

    Raises BadHeader, or UnknownUnit where the only wavelength has a unit that is none.
    """
    if override:
        return required_wavelength(path, override)
    said, wrong = _said(entry, instrument, warnings)
    if not said and wrong:
        wrong[0].facts["otherwise"] = ", or give wavelength=0.9795 (Angstrom)"
        raise UnknownUnit(**wrong[0].facts)
    warnings += [f"{error.facts['field']} has the unit {error.facts['unit']}: it is not used" for error in wrong]
    if not said:
        return required_wavelength(path, None)
    (name, value), *others = said
    value = required_wavelength(path, value)
    for other, that in others:
        if abs(that - value) > MAX_DISAGREEMENT * value:
            warnings.append(
                f"{name} says {value:.5g} A, but {other} {that:.5g} A: the first is used; wavelength= overrides it"
            )
    return value


def _said(
    entry: h5py.Group, instrument: h5py.Group, warnings: list[str]
) -> tuple[list[tuple[str, float]], list[UnknownUnit]]:
    """(name of the field, Angstrom) of all fields, the most direct first; those whose unit is none."""
    beams = [*groups_of_class(instrument, "NXbeam"), *groups_of_class(instrument, "NXmonochromator")]
    for sample in groups_of_class(entry, "NXsample"):
        beams += groups_of_class(sample, "NXbeam")
    beams += groups_of_class(entry, "NXbeam")
    fields = [(beam, name) for beam in beams for name in ("incident_wavelength", "wavelength")]
    fields += [(beam, name) for beam in beams for name in ("incident_energy", "energy")]
    detectors = groups_of_class(instrument, "NXdetector")
    fields += [(d, name) for d in detectors for name in ("photon_energy", "detectorSpecific/photon_energy")]
    said, wrong = [], []
    for group, name in fields:
        try:
            value = _angstrom(group.get(name), name.endswith("energy"), warnings)
        except UnknownUnit as error:
            wrong.append(error)
            continue
        if value is not None:
            said.append((f"{group.name}/{name}", value))
    return said, wrong


def _angstrom(item: object, is_energy: bool, warnings: list[str]) -> float | None:
    if not isinstance(item, h5py.Dataset) or not item.size or not np.issubdtype(item.dtype, np.number):
        return None
    values = values_in(item, "eV") if is_energy else values_in(item, "angstrom")
    value = float(np.median(values))
    low, high = float(np.min(values)), float(np.max(values))
    if high - low > MAX_DISAGREEMENT * abs(value):
        warnings.append(
            f"{item.name} has values from {low:.5g} to {high:.5g} {'eV' if is_energy else 'A'}: the one in the middle "
            "is used for all images; wavelength= overrides it"
        )
    if is_energy:
        return ELECTRONVOLT_ANGSTROM / value if value > 0 else None
    return value
