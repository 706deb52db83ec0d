"""Files of PETS (.cif_pets): intensities in virtual frames, for dynamical refinement with Jana.

Palatinus, Brazda, Jelinek, Hrda, Steciuk & Klementova (2019), Acta B75, 512. In PETS's frame the beam runs along -z,
and the rotation axis is in the xz plane near +x. The layout is that of dials.export format=pets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoproc.formats.export.cif_text import loop_head, rows
from autoproc.formats.export.export_params import ExportParams
from autoproc.formats.export.exported import DoesNotFit, Exported
from autoproc.geometry.rotation import lab_rotations
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Flag, Reflections

ZONE_COLUMNS = ("id", "u", "v", "w", "precession_angle", "alpha", "beta", "omega", "scale")


@dataclass(frozen=True, slots=True, eq=False)
class VirtualFrame:
    """A few images together: misset (3, 3) from the crystal's frame at phi = 0 to PETS's; axis (3,) along the beam.

    members : rows of the reflections that are near the Ewald sphere
    """

    misset: np.ndarray
    axis: np.ndarray
    members: np.ndarray


def write_pets(path: Path, exported: Exported, params: ExportParams) -> list[Path]:
    """Write the file; returns its path. Raises DoesNotFit for several sweeps or lattices, or too few images."""
    if len(exported.experiments) != 1:
        raise DoesNotFit(
            format="a file of PETS",
            reason=f"there are {len(exported.experiments)} sweeps or lattices, and it has one",
            to_do="export them one by one, from files of one sweep each",
        )
    experiment = exported.experiments[0]
    whole = _whole(exported.every, params.min_partiality)
    frames = list(virtual_frames(experiment, whole, params))
    if not frames:
        raise DoesNotFit(
            format="a file of PETS",
            reason=f"{experiment.scan.n_images} images are fewer than the {params.n_merged} of a virtual frame",
            to_do="give a smaller n_merged",
        )
    with path.open("w", encoding="ascii") as file:
        file.write("data_pets\n")
        file.write(_models(experiment, params))
        file.write(rows("_diffrn_zone_axis_", ZONE_COLUMNS, list(_zones(experiment, frames, params))))
        file.writelines(_reflections(whole, frames))
    return [path]


def _whole(r: Reflections, min_partiality: float) -> Reflections:
    """Reflections that were recorded whole, sorted by index."""
    here = r.has_flag(Flag.INTEGRATED_SUM) & (r["partiality"] >= min_partiality) & (r["variance_sum"] > 0)
    hkl = r["hkl"][here]
    return r[np.flatnonzero(here)[np.lexsort((hkl[:, 2], hkl[:, 1], hkl[:, 0]))]]


def pets_frame(experiment: Experiment) -> np.ndarray:
    """(3, 3) from the laboratory to PETS's frame."""
    along = experiment.beam.s0 * experiment.beam.wavelength
    x = experiment.goniometer.lab_axis - (experiment.goniometer.lab_axis @ along) * along
    x /= np.linalg.norm(x)
    return np.array([x, np.cross(-along, x), -along])


def virtual_frames(experiment: Experiment, r: Reflections, params: ExportParams) -> Iterator[VirtualFrame]:
    """The virtual frames of a sweep, each with those of its reflections that are near the Ewald sphere."""
    crystal, beam, turn = experiment.crystal, experiment.beam, pets_frame(experiment)
    assert crystal is not None
    rlp = r["hkl"] @ crystal.A.T
    for start in range(0, experiment.scan.n_images - params.n_merged + 1, params.frame_step):
        centre = start + params.n_merged / 2
        here = crystal.A_at(np.array([centre]))[0]
        to_lab = lab_rotations(experiment.goniometer, experiment.scan.phi_at(np.array([centre])))[0]
        misset = to_lab @ Crystal(here).U @ crystal.U.T
        error = 1 / beam.wavelength - np.linalg.norm(rlp @ misset.T + beam.s0, axis=1)
        axis = -(to_lab @ here).T @ (beam.s0 * beam.wavelength)
        members = np.flatnonzero(np.abs(error) <= params.max_excitation_error)
        yield VirtualFrame(turn @ misset @ turn.T, axis / np.abs(axis).max(), members)


def omega_alpha_beta(rotation: np.ndarray) -> tuple[float, float, float]:
    """Degrees: rotation (3, 3) = Rz(omega) Rx(alpha) Ry(beta), alpha from -90 to 90."""
    alpha = np.arcsin(np.clip(rotation[2, 1], -1, 1))
    beta = np.arctan2(-rotation[2, 0], rotation[2, 2])
    omega = np.arctan2(-rotation[0, 1], rotation[1, 1])
    return float(np.degrees(omega)), float(np.degrees(alpha)), float(np.degrees(beta))


def _zones(experiment: Experiment, frames: list[VirtualFrame], params: ExportParams) -> Iterator[tuple[object, ...]]:
    half_width = abs(experiment.scan.oscillation[1]) * params.n_merged / 2
    for number, frame in enumerate(frames, 1):
        omega, alpha, beta = omega_alpha_beta(frame.misset)
        yield number, *frame.axis.tolist(), half_width, alpha, beta, omega, 1


def _models(experiment: Experiment, params: ExportParams) -> str:
    crystal, beam = experiment.crystal, experiment.beam
    assert crystal is not None
    names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    setting = pets_frame(experiment) @ crystal.A
    values = {f"_cell_{name}": value for name, value in zip(names, crystal.cell, strict=True)}
    values |= {"_cell_volume": crystal.unit_cell.volume, "_diffrn_radiation_wavelength": beam.wavelength}
    values |= {f"_diffrn_orient_matrix_UB_{i + 1}{j + 1}": setting[i, j] for i in range(3) for j in range(3)}
    values["_diffrn_pets_omega"] = 0.0
    lines = [f"{name:<32} {value:.5f}" for name, value in values.items()]
    return "\n".join([
        *lines,
        "_diffrn_measurement_details", ";",
        "data collection geometry: continuous rotation",
        "dstarmax:  0.000", "RC width:  0.00000", "mosaicity:  0.000",
        "rotation axis position:  000.000", "reflection size:    0.000",
        f"Virtual frame settings: number of merged frames:  {params.n_merged}",
        f"                        step between frames:      {params.frame_step}",
        "                        sum all intensities:      1",
        ";", "",
    ])  # fmt: skip


def _reflections(r: Reflections, frames: list[VirtualFrame]) -> Iterator[str]:
    """The loop of reflections, frame by frame: a reflection is in several, and all of them would not fit in memory."""
    names = [f"index_{axis}" for axis in "hkl"], ["intensity_meas", "intensity_sigma", "zone_axis_id"]
    yield loop_head("_refln_", [name for part in names for name in part])
    hkl, value, sigma = r["hkl"], r["intensity_sum"], np.sqrt(r["variance_sum"])
    rows_of = [
        f"{h:3d} {k:3d} {m:3d} {i:11.2f} {s:11.2f} "
        for (h, k, m), i, s in zip(hkl.tolist(), value.tolist(), sigma.tolist(), strict=True)
    ]
    for number, frame in enumerate(frames, 1):
        yield "".join(f"{rows_of[n]}{number:5d}\n" for n in frame.members.tolist())
