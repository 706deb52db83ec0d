"""Values that are possible but so unusual that a mistake is likelier: in a header, or in what replaces it."""

from __future__ import annotations

from autoproc.geometry.detector import beam_centre_px
from autoproc.models.experiment import Experiment

USUAL_WAVELENGTH = (0.1, 6.0)
"""Angstrom: from high-energy beamlines (120 keV) to long-wavelength ones (2 keV)."""

USUAL_DISTANCE = (15.0, 2500.0)
"""mm: from laboratory sources with small cells to viruses."""

USUAL_PIXEL = (0.01, 0.4)
"""mm: from CMOS sensors, unbinned, to image plates, binned."""

USUAL_WIDTH = (0.005, 3.0)
"""Degrees an image: from the finest slices to photographic film's."""


def plausibility_warnings(experiment: Experiment) -> list[str]:
    """What of the geometry a crystallographer should look at, in plain words."""
    panel = experiment.detector[0]
    pixel = panel.pixel_size
    unusual = (
        _unusual("wavelength", experiment.beam.wavelength, "A", USUAL_WAVELENGTH, "wavelength="),
        _unusual("detector distance", panel.distance, "mm", USUAL_DISTANCE, "distance="),
        _unusual("pixel size", max(pixel), "mm", USUAL_PIXEL) or _unusual("pixel size", min(pixel), "mm", USUAL_PIXEL),
        _unusual("rotation per image", abs(experiment.scan.oscillation[1]), "degrees", USUAL_WIDTH, "oscillation="),
        _beam_centre(experiment),
    )
    return [warning for warning in unusual if warning]


def _unusual(what: str, value: float, unit: str, usual: tuple[float, float], override: str = "") -> str:
    low, high = usual
    if low <= value <= high:
        return ""
    advice = f"give {override} if the header is wrong" if override else "correct the header if it is wrong"
    return f"the {what}, {value:g} {unit}, is unusual ({low:g} to {high:g} is common): {advice}"


def _beam_centre(experiment: Experiment) -> str:
    panel = experiment.detector[0]
    x, y = beam_centre_px(experiment.detector, experiment.beam)
    if 0 <= x < panel.image_size[0] and 0 <= y < panel.image_size[1]:
        return ""
    if abs(abs(panel.normal @ experiment.beam.direction) - 1) > 1e-3:
        return ""  # a detector on its arm need not see the direct beam
    return f"the beam centre ({x:.1f}, {y:.1f}) pixels lies off the detector: check it if indexing fails"
