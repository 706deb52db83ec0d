"""The models of experiments in words, as dials.show has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autoproc.formats.dials.unsupported_models import maps_in_words
from autoproc.geometry.detector import beam_centre_px
from autoproc.geometry.edge import reach_of
from autoproc.legible import legible
from autoproc.models.crystal import Crystal, cell_from_real_matrix
from autoproc.models.experiment import Beam, Detector, Experiment, Goniometer, Panel, ProfileModel, Scan
from autoproc.models.space_group import symbol
from autoproc.wording import with_uncertainty

MOST_PANELS = 4
"""Panels printed in full; those of large detectors of many panels differ in position only."""


def format_experiments(experiments: Sequence[Experiment]) -> str:
    """Every model of every experiment; one that an earlier experiment has too is not printed again."""
    seen: dict[str, int] = {}
    return "\n\n".join(_experiment(number, experiment, seen) for number, experiment in enumerate(experiments))


def _experiment(number: int, experiment: Experiment, seen: dict[str, int]) -> str:
    head = [f"Experiment {number}:"]
    if experiment.identifier:
        head.append(f"Experiment identifier: {experiment.identifier}")
    if experiment.imageset is not None:
        head.append(f"Image template: {legible(experiment.imageset.template)}")
        head += [f"Note: {words}" for words in maps_in_words(experiment.imageset)]
    head += [f"Note: {remark}" for remark in experiment.remarks]
    models = [
        format_detector(experiment.detector, experiment.beam),
        f"{format_beam(experiment.beam)}\n\n{format_beam_centre(experiment.detector, experiment.beam)}",
        format_scan(experiment.scan),
        format_goniometer(experiment.goniometer),
    ]
    parts = ["\n".join(head), *(_once(text, number, seen) for text in models)]
    for model, words in _optional(experiment):
        if model is not None:
            parts.append(words(model))
    return "\n\n".join(parts)


def _optional(experiment: Experiment) -> list[tuple[Any, Callable[[Any], str]]]:
    return [
        (experiment.crystal, format_crystal),
        (experiment.profile, format_profile),
        (experiment.scaling, format_scaling),
    ]


def _once(text: str, number: int, seen: dict[str, int]) -> str:
    first = seen.setdefault(text, number)
    return text if first == number else f"{text.splitlines()[0]} as in experiment {first}"


def format_detector(detector: Detector, beam: Beam) -> str:
    """Panels, and the resolution that they reach."""
    lines = ["Detector:"]
    for panel in detector.panels[:MOST_PANELS]:
        lines += _panel_lines(panel)
    if len(detector) > MOST_PANELS:
        lines.append(f"... and {len(detector) - MOST_PANELS} panels more")
    reach = reach_of(detector, beam)
    lines += ["", f"Max resolution (at corners): {reach.corner:.4f} A"]
    if reach.inscribed is not None:
        lines.append(f"Max resolution (inscribed):  {reach.inscribed:.4f} A")
    return "\n".join(lines)


def _panel_lines(panel: Panel) -> list[str]:
    untrusted = [f"  untrusted rectangles: {len(panel.mask)}"] if panel.mask else []
    return [
        "Panel:",
        f"  name: {panel.name}",
        f"  type: {panel.type}",
        f"  identifier: {panel.identifier}",
        f"  pixel_size: {_braces(panel.pixel_size)} mm",
        f"  image_size: {_braces(panel.image_size)} px",
        f"  trusted_range: {_braces(panel.trusted_range)}",
        f"  thickness: {panel.thickness:g} mm",
        f"  material: {panel.material}",
        f"  mu: {panel.mu:g} 1/mm",
        f"  gain: {panel.gain:g}",
        f"  pedestal: {panel.pedestal:g}",
        f"  fast_axis: {_braces(panel.fast_axis)}",
        f"  slow_axis: {_braces(panel.slow_axis)}",
        f"  origin: {_braces(panel.origin)} mm",
        f"  distance: {panel.distance:g} mm",
        f"  parallax correction: {'yes' if panel.has_parallax else 'no'}",
        *untrusted,
    ]


def format_beam(beam: Beam) -> str:
    """Wavelength, energy, direction and polarisation."""
    return "\n".join(
        [
            "Beam:",
            f"    wavelength: {beam.wavelength:g} A ({12398.42 / beam.wavelength:.1f} eV)",
            f"    sample to source direction: {_braces(beam.direction)}",
            f"    polarization normal: {_braces(beam.polarization_normal)}",
            f"    polarization fraction: {beam.polarization_fraction:g}",
        ]
    )


def format_beam_centre(detector: Detector, beam: Beam) -> str:
    """Where the direct beam meets the first panel."""
    fast, slow = beam_centre_px(detector, beam)
    pixel = detector[0].pixel_size
    return f"Beam centre:\n    mm: ({fast * pixel[0]:.2f},{slow * pixel[1]:.2f})\n    px: ({fast:.2f},{slow:.2f})"


def format_scan(scan: Scan) -> str:
    """Images and rotation."""
    width = scan.oscillation[1]
    whole = "" if scan.n_images == 1 else f", {abs(width) * scan.n_images:g} in all"
    lines = [
        "Scan:",
        f"    number of images:   {scan.n_images}",
        f"    image range:   {_braces(scan.image_range)}",
        f"    oscillation:   {_braces(scan.oscillation)} deg{' (still)' if scan.is_still else whole}",
    ]
    if scan.exposure_times is not None and len(scan.exposure_times):
        lines.append(f"    exposure time: {scan.exposure_times[0]:g} s")
    return "\n".join(lines)


def format_goniometer(goniometer: Goniometer) -> str:
    """Axis and the rotations beside it."""
    lines = [
        "Goniometer:",
        f"    Rotation axis:   {_braces(goniometer.axis)}",
        f"    Fixed rotation:  {_braces(goniometer.fixed.ravel())}",
        f"    Setting rotation:{_braces(goniometer.setting.ravel())}",
    ]
    for n, name in enumerate(goniometer.names):
        scanned = " (scanned)" if n == goniometer.scan_axis else ""
        lines.append(f"    {name}: {goniometer.angles[n]:g} deg{scanned}")
    return "\n".join(lines)


def format_crystal(crystal: Crystal) -> str:
    """Cell with uncertainties where they are known, space group, U, B and A."""
    lines = [
        "Crystal:",
        f"    Unit cell: {format_cell(crystal)}",
        f"    Space group: {symbol(crystal.space_group)}",
        f"    U matrix:  {_matrix(crystal.U)}",
        f"    B matrix:  {_matrix(crystal.B)}",
        f"    A = UB:    {_matrix(crystal.A)}",
    ]
    if crystal.A_at_scan_points is not None:
        cells = np.array([cell_from_real_matrix(real) for real in np.linalg.inv(crystal.A_at_scan_points)])
        lines.append(f"    A sampled at {crystal.n_scan_points} scan points")
        lines.append(f"    Average unit cell: {', '.join(f'{x:.4f}' for x in cells.mean(axis=0))}")
        lines.append(f"    Least to greatest: {', '.join(f'{x:.4f}' for x in np.ptp(cells, axis=0))}")
    return "\n".join(lines)


def format_cell(crystal: Crystal) -> str:
    """The cell with standard uncertainties in brackets, as 67.1980(14)."""
    esds = crystal.cell_esd or (0.0,) * 6
    pairs = zip(crystal.cell, esds, strict=True)
    return ", ".join(with_uncertainty(x, s) if np.isfinite(s) and s > 0 else f"{x:.4f}" for x, s in pairs)


def format_profile(profile: ProfileModel) -> str:
    """Spot widths."""
    return f"Profile model:\n    sigma_b: {profile.sigma_b:.4f} deg\n    sigma_m: {profile.sigma_m:.4f} deg"


def format_scaling(scaling: dict[str, Any]) -> str:
    """A DIALS scaling model: the components with their number of parameters and range, and the error model."""
    lines = [f"Scaling model: {scaling.get('__id__', 'unknown')}"]
    for name, component in scaling.items():
        values = component.get("parameters") if isinstance(component, dict) else None
        if values:
            lines.append(f"    {name}: {len(values)} parameters, {min(values):.4f} to {max(values):.4f}")
    settings = scaling.get("configuration_parameters", {})
    parameters = settings.get("error_model_parameters")
    if parameters and len(parameters) == 2 and all(parameters):
        a, b = parameters
        lines.append(f"    error model: a = {a:.4f}, b = {b:.4f}, ISa = {1 / (a * b):.1f}")
    return "\n".join(lines)


def _braces(values: Sequence[float] | np.ndarray) -> str:
    return "{" + ",".join(f"{x + 0.0:.6g}" for x in values) + "}"


def _matrix(m: np.ndarray) -> str:
    rows = ["{" + ", ".join(f"{x:7.4f}" for x in np.round(row, 4) + 0.0) + "}" for row in m]
    return "{" + (",\n" + " " * 16).join(rows) + "}"
