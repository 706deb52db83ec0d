"""Values that are possible but so unusual that a mistake is likelier: in a header, or in what replaces it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from autoproc.errors import InputError
from autoproc.formats.images.polarisation import POLARISATION_ASSUMED
from autoproc.geometry.detector import beam_centre_px
from autoproc.models.experiment import Detector, Experiment, Panel

USUAL_WAVELENGTH = (0.1, 6.0)
"""Angstrom: from high-energy beamlines (120 keV) to long-wavelength ones (2 keV)."""

USUAL_DISTANCE = (15.0, 2500.0)
"""mm: from laboratory sources with small cells to viruses."""

USUAL_PIXEL = (0.01, 0.4)
"""mm: from CMOS sensors, unbinned, to image plates, binned."""

USUAL_WIDTH = (0.005, 3.0)
"""Degrees an image: from the finest slices to photographic film's."""

LABORATORY_LINES = {"Cu": (1.5406, 1.5444), "Mo": (0.7093, 0.7136), "Ag": (0.5594, 0.5638), "Ga": (1.3401, 1.3440)}
"""Angstrom: K alpha 1 and K alpha 2 of laboratory sources' anodes (Bearden 1967)."""

LINE_TOLERANCE = 0.0005
"""Angstrom, by which a header's wavelength may miss a line for rounding."""

USUAL_THICKNESS = (0.02, 5.0)
"""mm of a sensor: from thinned CMOS to the thickest CdTe and Ge; silicon sensors are 0.3 to 1 mm."""

WRONG_UNITS = (1e-3, 1e-6, 1e3, 1e6)
"""What a thickness is off by where mm were called m, um m, m mm, or m um."""

TOO_THIN_GUESS = (0.1, 0.9)
"""mm: only these are guessed from a thickness that is too small, as a round 1e-6 m stands for unknown (a real flat
panel's file)."""


AXIS_NEAR_BEAM = 5.0
"""Degrees from the beam. About an axis so near to it no reflection crosses the Ewald sphere at more than a tenth of the
usual speed (|zeta| is at most the sine of the angle), and below |zeta| 0.05, at 3 degrees, none is refined against.
Goniometers keep 20 degrees and more; chosen between, not measured."""


class AxisAlongBeam(InputError):
    """A rotation axis about which no reflection passes through diffraction."""

    what = "{path}: the rotation axis lies {angle:.1f} degrees from the beam: about it no reflection is swept through"
    hint = "give the right axis, rotation_axis=1,0,0 is the usual one; if it is right, nothing can be measured so"


def required_axis(path: str | Path, experiment: Experiment) -> Experiment:
    """The same experiment. Raises AxisAlongBeam, whoever gave the axis: header or user."""
    axis, beam = experiment.goniometer.lab_axis, experiment.beam.direction
    along = abs(float(axis @ beam)) / float(np.linalg.norm(axis) * np.linalg.norm(beam))
    angle = float(np.degrees(np.arccos(min(along, 1.0))))
    if angle < AXIS_NEAR_BEAM and not experiment.scan.is_still:
        raise AxisAlongBeam(path=path, angle=angle)
    return experiment


def plausibility_warnings(experiment: Experiment) -> list[str]:
    """What of the geometry a crystallographer should look at, in plain words."""
    panel = experiment.detector[0]
    pixel = panel.pixel_size
    unusual = (
        _unusual("wavelength", experiment.beam.wavelength, "A", USUAL_WAVELENGTH, "wavelength="),
        _unusual("detector distance", panel.distance, "mm", USUAL_DISTANCE, "distance="),
        _unusual("pixel size", max(pixel), "mm", USUAL_PIXEL, "pixel_size=")
        or _unusual("pixel size", min(pixel), "mm", USUAL_PIXEL, "pixel_size="),
        _unusual("rotation per image", abs(experiment.scan.oscillation[1]), "degrees", USUAL_WIDTH, "oscillation="),
        _beam_centre(experiment),
        _polarisation(experiment),
    )
    return [warning for warning in unusual if warning]


def _unusual(what: str, value: float, unit: str, usual: tuple[float, float], override: str = "") -> str:
    low, high = usual
    if low <= value <= high:
        return ""
    advice = f"give {override} if the header is wrong" if override else "correct the header if it is wrong"
    return f"the {what}, {value:g} {unit}, is unusual ({low:g} to {high:g} is common): {advice}"


def _polarisation(experiment: Experiment) -> str:
    """Of a laboratory source, whose beam is hardly polarised, nothing may be assumed in silence."""
    if POLARISATION_ASSUMED not in experiment.remarks:
        return ""
    wavelength = experiment.beam.wavelength
    for anode, (first, second) in LABORATORY_LINES.items():
        if first - LINE_TOLERANCE <= wavelength <= second + LINE_TOLERANCE:
            return (
                f"the wavelength, {wavelength:g} A, is that of a laboratory's {anode} K alpha, and the header does not "
                f"say how the beam is polarised: {experiment.beam.polarization_fraction:g} is assumed, right for "
                "synchrotrons; give polarization_fraction=0.5 if it is from a laboratory source"
            )
    return ""


def _beam_centre(experiment: Experiment) -> str:
    panel = experiment.detector[0]
    x, y = beam_centre_px(experiment.detector, experiment.beam)
    if 0 <= x < panel.image_size[0] and 0 <= y < panel.image_size[1]:
        return ""
    if abs(abs(panel.normal @ experiment.beam.direction) - 1) > 1e-3:
        return ""  # a detector on its arm need not see the direct beam
    return f"the beam centre ({x:.1f}, {y:.1f}) pixels lies off the detector: check it if indexing fails"


def with_plausible_sensor(experiment: Experiment) -> tuple[Experiment, list[str]]:
    """The experiment with sensors of a thickness that is possible, and what was wrong in plain words.

    A thickness in the wrong unit would put every spot off by the parallax; it is taken in the unit that it is
    likely to be in, or as unknown.
    """
    warnings: list[str] = []
    panels = tuple(_with_plausible_thickness(panel, warnings) for panel in experiment.detector.panels)
    if not warnings:
        return experiment, []
    return replace(experiment, detector=Detector(panels)), list(dict.fromkeys(warnings))


def _with_plausible_thickness(panel: Panel, warnings: list[str]) -> Panel:
    low, high = USUAL_THICKNESS
    if panel.thickness == 0 or low <= panel.thickness <= high:
        return panel
    low, high = TOO_THIN_GUESS if panel.thickness < low else USUAL_THICKNESS
    guess = next((panel.thickness * f for f in WRONG_UNITS if low <= panel.thickness * f <= high), 0.0)
    taken = f"its unit is taken to be wrong, and {guess:.4g} mm right" if guess else "it is taken as unknown"
    warnings.append(f"the sensor's thickness, {panel.thickness:.4g} mm, is not possible: {taken}; correct the header")
    return replace(panel, thickness=guess)
