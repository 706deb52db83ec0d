"""What a file holds, in words: experiments, reflections, images, MTZ."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gemmi
import numpy as np

from autoproc.formats.refl import read_refl_columns
from autoproc.geometry.detector import beam_centre_px, pixel_resolution
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import Beam, Detector, Experiment, Goniometer, Panel, Scan


def table(header: Sequence[str], rows: Sequence[Sequence[str]], indent: str = "") -> str:
    """A table with lines round it, columns right-aligned but for the first."""
    widths = [max(len(str(r[c])) for r in (header, *rows)) for c in range(len(header))]
    rule = indent + "+" + "+".join("-" * (w + 2) for w in widths) + "+"

    def line(cells: Sequence[str]) -> str:
        first = f" {cells[0]:<{widths[0]}} "
        rest = [f" {cell:>{width}} " for cell, width in zip(cells[1:], widths[1:], strict=True)]
        return indent + "|" + "|".join([first, *rest]) + "|"

    return "\n".join([rule, line(header), rule, *map(line, rows), rule])


def format_experiments(experiments: Sequence[Experiment]) -> str:
    """Every model of every experiment."""
    parts = []
    for number, experiment in enumerate(experiments):
        lines = [f"Experiment {number}:"]
        if experiment.identifier:
            lines.append(f"Experiment identifier: {experiment.identifier}")
        if experiment.imageset is not None:
            first, last = experiment.scan.image_range
            lines.append(f"Image template: {experiment.imageset.template}:{first}:{last}")
        lines += [
            format_detector(experiment.detector, experiment.beam),
            format_beam(experiment.beam),
            format_beam_centre(experiment.detector, experiment.beam),
            format_scan(experiment.scan),
            format_goniometer(experiment.goniometer),
        ]
        if experiment.crystal is not None:
            lines.append(format_crystal(experiment.crystal))
        if experiment.profile is not None:
            p = experiment.profile
            lines.append(f"Profile model:\n    sigma_b: {p.sigma_b:.4f} deg\n    sigma_m: {p.sigma_m:.4f} deg")
        if experiment.scaling is not None:
            lines.append(f"Scaling model: {experiment.scaling.get('__id__', 'unknown')}")
        parts.append("\n\n".join(lines))
    return "\n\n".join(parts)


def format_detector(detector: Detector, beam: Beam) -> str:
    """Panels, and the resolution that they reach."""
    lines = ["Detector:"]
    for panel in detector.panels:
        lines += _panel_lines(panel)
    panel = detector[0]
    if len(detector) == 1:
        d = pixel_resolution(panel, beam)
        corner = min(d[0, 0], d[0, -1], d[-1, 0], d[-1, -1])
        inscribed = max(d[0].max(), d[-1].max(), d[:, 0].max(), d[:, -1].max())
        lines += [f"Max resolution (at corners): {corner:.3f} A", f"Max resolution (inscribed):  {inscribed:.3f} A"]
    return "\n".join(lines)


def _panel_lines(panel: Panel) -> list[str]:
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
        f"  fast_axis: {_braces(panel.fast_axis)}",
        f"  slow_axis: {_braces(panel.slow_axis)}",
        f"  origin: {_braces(panel.origin)} mm",
        f"  distance: {panel.distance:g} mm",
        f"  parallax correction: {'yes' if panel.has_parallax else 'no'}",
        *([f"  masked rectangles: {len(panel.mask)}"] if panel.mask else []),
    ]


def format_beam(beam: Beam) -> str:
    """Wavelength, direction and polarisation."""
    return "\n".join(
        [
            "Beam:",
            f"    wavelength: {beam.wavelength:g} A",
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
    lines = [
        "Scan:",
        f"    number of images:   {scan.n_images}",
        f"    image range:   {_braces(scan.image_range)}",
        f"    oscillation:   {_braces(scan.oscillation)} deg",
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
        f"    Space group: {crystal.space_group.hm}",
        f"    U matrix:  {_matrix(crystal.U)}",
        f"    B matrix:  {_matrix(crystal.B)}",
        f"    A = UB:    {_matrix(crystal.A)}",
    ]
    if crystal.n_scan_points:
        lines.append(f"    A sampled at {crystal.n_scan_points} scan points")
    return "\n".join(lines)


def format_cell(crystal: Crystal) -> str:
    """The cell with standard uncertainties in brackets, as 67.1980(14)."""
    if crystal.cell_esd is None:
        return ", ".join(f"{x:.4f}" for x in crystal.cell)
    return ", ".join(with_uncertainty(x, s) for x, s in zip(crystal.cell, crystal.cell_esd, strict=True))


def with_uncertainty(value: float, esd: float) -> str:
    """12.3456(78): two significant digits of the uncertainty, in units of the last decimal."""
    if not np.isfinite(esd) or esd <= 0:
        return f"{value:.4f}"
    decimals = max(0, int(np.ceil(-np.log10(esd))) + 1)
    digits = round(esd * 10**decimals)
    if digits >= 100:
        decimals, digits = decimals - 1, round(digits / 10)
    return f"{value:.{max(decimals, 0)}f}({digits})"


def format_reflections(path: str | Path) -> str:
    """Every column of a .refl file with its range and mean."""
    raw = read_refl_columns(path)
    rows = []
    for name, kind in sorted(raw["types"].items()):
        values = raw["columns"].get(name)
        if values is None or not len(values) or values.dtype == object:
            rows.append([name, kind, "", "", ""])
            continue
        rows.append([name, kind, *(_summary(f(values.astype(float), axis=0)) for f in (np.min, np.max, np.mean))])
    lines = [f"Reflection list contains {raw['n_rows']} reflections"]
    lines += [f"experiment {n}: {identifier}" for n, identifier in sorted(raw["identifiers"].items())]
    return "\n".join([*lines, table(["Column", "type", "min", "max", "mean"], rows)])


def format_mtz(path: str | Path) -> str:
    """Cell, space group, data sets and columns of an MTZ file."""
    mtz = gemmi.read_mtz_file(str(path))
    lines = [
        f"Title: {mtz.title}",
        f"Space group: {mtz.spacegroup.hm if mtz.spacegroup else 'unknown'}",
        f"Unit cell: {', '.join(f'{x:.4f}' for x in mtz.cell.parameters)}",
        f"Reflections: {mtz.nreflections}",
        f"Resolution: {mtz.resolution_low():.2f} - {mtz.resolution_high():.2f} A",
        f"Batches: {len(mtz.batches)}" if mtz.batches else "Merged",
    ]
    lines += [f"Dataset {d.id}: {d.dataset_name}, wavelength {d.wavelength:g} A" for d in mtz.datasets if d.id]
    data = np.asarray(mtz.array)
    rows = []
    for n, column in enumerate(mtz.columns):
        values = data[:, n][np.isfinite(data[:, n])]
        limits = [f"{values.min():.4g}", f"{values.max():.4g}"] if len(values) else ["", ""]
        rows.append([column.label, column.type, str(len(values)), *limits])
    return "\n".join([*lines, table(["Column", "type", "present", "min", "max"], rows)])


def _summary(value: np.ndarray) -> str:
    return ", ".join(f"{x:.6g}" for x in np.atleast_1d(value))


def _braces(values: Sequence[float] | np.ndarray) -> str:
    return "{" + ",".join(f"{x + 0.0:.6g}" for x in values) + "}"


def _matrix(m: np.ndarray) -> str:
    rows = ["{" + ", ".join(f"{x:7.4f}" for x in row) + "}" for row in m]
    return "{" + (",\n" + " " * 16).join(rows) + "}"
