"""The block of observations in an mmCIF file: batches, cells, orientations and scans, and each reflection measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from autoproc.formats.export.cif_text import rows, table
from autoproc.formats.export.export_params import ExportParams
from autoproc.formats.export.exported import Exported, intensities
from autoproc.geometry.corrections import Kind, corrected
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections

CELL_NAMES = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
MATRIX = tuple(f"matrix[{i}][{j}]" for i in (1, 2, 3) for j in (1, 2, 3))
ORIENTATION = "UB, 1/Angstrom: columns a*, b*, c* in the laboratory at a rotation of 0, z to the source"
"""Of the matrices: what they are."""


def unmerged_block(exported: Exported, params: ExportParams) -> Iterator[str]:
    """The categories of observations."""
    experiments, r = exported.experiments, exported.observations
    yield _cells(experiments)
    yield _orientations(experiments)
    yield _batches(experiments)
    yield from table("_diffrn_refln.", diffrn_refln(experiments, r))
    if params.pdb_version == "v5":
        return
    yield _scan_cells(experiments)
    yield _scans(experiments)
    yield from table("_pdbx_diffrn_unmerged_refln.", unmerged_refln(experiments, r))


def wavelengths_of(experiments: Sequence[Experiment]) -> list[float]:
    """Different wavelengths, Angstrom, as they first appear."""
    return list(dict.fromkeys(round(e.beam.wavelength, 5) for e in experiments))


def _cells(experiments: Sequence[Experiment]) -> str:
    """The cell of each sweep or lattice, with its uncertainties."""
    listed = []
    for number, experiment in enumerate(experiments, 1):
        crystal = experiment.crystal
        assert crystal is not None
        esd = [None] * 6 if crystal.cell_esd is None else [f"{value:.4f}" for value in crystal.cell_esd]
        listed.append([number, *(f"{value:.4f}" for value in crystal.cell), *esd])
    return rows("_pdbx_diffrn_cell.", ["id", *CELL_NAMES, *(f"{name}_esd" for name in CELL_NAMES)], listed)


def _orientations(experiments: Sequence[Experiment]) -> str:
    listed = []
    for number, experiment in enumerate(experiments, 1):
        assert experiment.crystal is not None
        at_zero = experiment.goniometer.setting @ experiment.goniometer.fixed @ experiment.crystal.A
        listed.append([number, *(f"{value:.8f}" for value in at_zero.ravel()), ORIENTATION])
    return rows("_pdbx_diffrn_orientation.", ["id", *MATRIX, "type"], listed)


def _batches(experiments: Sequence[Experiment]) -> str:
    """A batch for each sweep or lattice."""
    wavelengths = wavelengths_of(experiments)
    listed = [(n, 1, n, wavelengths.index(round(e.beam.wavelength, 5)) + 1, n) for n, e in enumerate(experiments, 1)]
    return rows("_pdbx_diffrn_batch.", ("id", "diffrn_id", "cell_id", "wavelength_id", "orientation_id"), listed)


def _scan_cells(experiments: Sequence[Experiment]) -> str:
    names = ["ordinal", "crystal_id", "wavelength", *(f"cell_{name}" for name in CELL_NAMES)]
    listed = [
        [n, n, f"{e.beam.wavelength:.6f}", *(f"{value:.4f}" for value in e.crystal.cell)]
        for n, e in enumerate(experiments, 1)
        if e.crystal is not None
    ]
    return rows("_pdbx_diffrn_unmerged_cell.", names, listed)


def _scans(experiments: Sequence[Experiment]) -> str:
    names = ("scan_id", "crystal_id", "image_id_begin", "image_id_end", "scan_angle_begin", "scan_angle_end")
    listed = []
    for number, scan in enumerate((e.scan for e in experiments), 1):
        start, width = scan.oscillation
        angles = f"{start:.4f}", f"{start + width * scan.n_images:.4f}"
        listed.append((number, number, *scan.image_range, *angles))
    return rows("_pdbx_diffrn_scan.", names, listed)


def image_numbers(experiments: Sequence[Experiment], r: Reflections) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N,) numbers, as in the file names, of the first and last image of each reflection, and of that at its centre."""
    ids = r["experiment_id"]
    first, last = np.array([e.scan.image_range for e in experiments]).reshape(-1, 2).T
    centre = np.clip(np.floor(r["xyz_cal_px"][:, 2]).astype(np.int64) + first[ids], first[ids], last[ids])
    if "bbox" not in r:
        return centre, centre, centre
    begin, end = (np.clip(r["bbox"][:, n] + first[ids] - (n == 5), first[ids], last[ids]) for n in (4, 5))
    return begin, end, centre


def diffrn_refln(experiments: Sequence[Experiment], r: Reflections) -> dict[str, tuple[np.ndarray, str]]:
    """Columns of _diffrn_refln by item, with formats."""
    n = len(r)
    value, sigma = intensities(r)
    _, _, image = image_numbers(experiments, r)
    columns = {"diffrn_id": (np.ones(n, np.int64), "d"), "id": (np.arange(1, n + 1), "d")}
    columns |= {f"index_{axis}": (r["hkl"][:, k], "d") for k, axis in enumerate("hkl")}
    columns |= {
        "intensity_net": (value, ".7g"),
        "intensity_sigma": (sigma, ".5g"),
        "pdbx_scale_value": (scale_values(r), ".6g"),
        "pdbx_image_id": (image, "d"),
        "pdbx_scan_angle": (np.degrees(r["xyz_cal_mm"][:, 2]), ".4f"),
        "pdbx_batch_id": (r["experiment_id"] + 1, "d"),
        "pdbx_detector_calc_fast": (r["xyz_cal_px"][:, 0], ".2f"),
        "pdbx_detector_calc_slow": (r["xyz_cal_px"][:, 1], ".2f"),
    }
    if "xyz_obs_px" in r:
        columns["pdbx_detector_obs_fast"] = (r["xyz_obs_px"][:, 0], ".2f")
        columns["pdbx_detector_obs_slow"] = (r["xyz_obs_px"][:, 1], ".2f")
    return columns


def scale_values(r: Reflections) -> np.ndarray:
    """(N,) the factor that was applied at the last scaling: 1 / g; 1 where nothing was scaled."""
    return 1.0 / r["inverse_scale"] if "inverse_scale" in r else np.ones(len(r))


def unmerged_refln(experiments: Sequence[Experiment], r: Reflections) -> dict[str, tuple[np.ndarray, str]]:
    """Columns of _pdbx_diffrn_unmerged_refln by item, with formats."""
    value, sigma = intensities(r)
    begin, end, _ = image_numbers(experiments, r)
    columns = {
        "reflection_id": (np.arange(1, len(r) + 1), "d"),
        "scan_id": (r["experiment_id"] + 1, "d"),
        "image_id_begin": (begin, "d"),
        "image_id_end": (end, "d"),
        **{f"index_{axis}": (r["hkl"][:, k], "d") for k, axis in enumerate("hkl")},
        "intensity_meas": (value, ".7g"),
        "intensity_sigma": (sigma, ".5g"),
        "scale_value": (scale_values(r), ".6g"),
        "scan_angle_reflection": (np.degrees(r["xyz_cal_mm"][:, 2]), ".4f"),
        "partiality": (np.clip(r["partiality"], 0, 1), ".4f"),
    }
    kinds: tuple[Kind, ...] = ("sum", "prf")
    for kind in kinds:
        if f"intensity_{kind}" in r:
            of_kind, error = corrected(r, kind)
            columns[f"intensity_{kind}"] = (of_kind, ".7g")
            columns[f"intensity_{kind}_sigma"] = (error, ".5g")
    return columns
