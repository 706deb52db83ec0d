"""MTZ files: merged intensities and amplitudes, and unmerged observations with batch headers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import gemmi
import numpy as np

from autoproc import __version__
from autoproc.geometry.asu import to_asu
from autoproc.geometry.corrections import corrected
from autoproc.models.crystal import b_matrix, cells_from_real_matrices
from autoproc.models.experiment import Experiment, shared_cell
from autoproc.models.merged import Merged
from autoproc.models.reflections import Reflections
from autoproc.models.wavelengths import alike, in_name

PROJECT = "autoproc"
BATCH_STEP = 1000
LONGEST_NAME = 54
"""Letters of a crystal's name, so that with a wavelength it is not cut in the 64 that an MTZ file has room for."""
HALVES = (("IHALF1", "J"), ("SIGIHALF1", "Q"), ("IHALF2", "J"), ("SIGIHALF2", "Q"))
"""Columns of random half data sets, with their types."""


def merged_table(merged: Merged) -> dict[str, tuple[str, np.ndarray]]:
    """Columns of a merged MTZ by label: type letter and values."""
    m = merged
    with np.errstate(invalid="ignore"):
        anomalous = np.where(m.is_centric, np.nan, m.amplitude_plus - m.amplitude_minus)
        sigma_anomalous = np.hypot(m.sigma_amplitude_plus, m.sigma_amplitude_minus)
    columns = {
        "FreeR_flag": ("I", m.free_r),
        "IMEAN": ("J", m.intensity),
        "SIGIMEAN": ("Q", m.sigma),
        "I(+)": ("K", m.intensity_plus),
        "SIGI(+)": ("M", m.sigma_plus),
        "I(-)": ("K", _mates(m, m.intensity_minus, m.intensity_plus)),
        "SIGI(-)": ("M", _mates(m, m.sigma_minus, m.sigma_plus)),
        "N(+)": ("I", m.n_plus),
        "N(-)": ("I", np.where(m.is_centric, m.n_plus, m.n_minus)),
        "F": ("F", m.amplitude),
        "SIGF": ("Q", m.sigma_amplitude),
        "F(+)": ("G", m.amplitude_plus),
        "SIGF(+)": ("L", m.sigma_amplitude_plus),
        "F(-)": ("G", _mates(m, m.amplitude_minus, m.amplitude_plus)),
        "SIGF(-)": ("L", _mates(m, m.sigma_amplitude_minus, m.sigma_amplitude_plus)),
        "DANO": ("D", anomalous),
        "SIGDANO": ("Q", np.where(np.isfinite(anomalous), sigma_anomalous, np.nan)),
    }
    if m.halves is not None:
        columns |= {label: (kind, values) for (label, kind), values in zip(HALVES, m.halves, strict=True)}
    return columns


def write_merged_mtz(path: str | Path, merged: Merged, name: str = "sweep", is_one_of_several: bool = False) -> None:
    """Write merged data; `name` becomes the crystal's and data set's name.

    is_one_of_several : wavelengths of the crystal, after which the data set is named then
    """
    mtz = _empty(merged.space_group, merged.cell, merged.wavelength, name)
    if is_one_of_several:
        mtz.datasets[1].dataset_name = _of_wavelength(mtz.datasets[1].crystal_name, merged.wavelength)
    values = [merged.hkl.astype(np.float32)]
    for label, (kind, column) in merged_table(merged).items():
        mtz.add_column(label, kind, dataset_id=1)
        values.append(column.astype(np.float32)[:, None])
    mtz.set_data(np.hstack(values))
    mtz.update_reso()
    mtz.sort_order = [1, 2, 3, 0, 0]
    Path(path).write_bytes(mtz.write_to_bytes())  # unlike write_to_file, says why it fails


def _mates(merged: Merged, minus: np.ndarray, plus: np.ndarray) -> np.ndarray:
    """A centric reflection is its own Friedel mate."""
    return np.where(merged.is_centric, plus, minus)


def _empty(group: gemmi.SpaceGroup, cell: gemmi.UnitCell, wavelength: float, name: str) -> gemmi.Mtz:
    mtz = gemmi.Mtz(with_base=True)
    mtz.title = f"autoproc {__version__}: {name}"[:70]
    mtz.history = [f"From autoproc {__version__}"]
    mtz.spacegroup = group
    word = name.replace(" ", "_").replace("/", "_")[:LONGEST_NAME]  # CCP4 programs ask for crystal/data set/column
    dataset = mtz.add_dataset(word)
    dataset.project_name = PROJECT
    dataset.crystal_name = word
    dataset.wavelength = wavelength
    mtz.set_cell_for_all(cell)
    return mtz


@dataclass(frozen=True, slots=True)
class BatchNumbers:
    """Batch of frame 0 of each experiment: multiples of 1000 apart unless the scans are longer.

    No batch is below 1: CCP4 programs take 0 for none, so that images numbered from 0 move up by one, as in DIALS.
    """

    first: tuple[int, ...]

    @classmethod
    def of(cls, experiments: Sequence[Experiment]) -> BatchNumbers:
        """Image numbers where there is one sweep, and they are above 0; else distinct ranges."""
        starts, offset = [], 0
        for experiment in experiments:
            first = max(1, experiment.scan.image_range[0])
            starts.append(offset + first)
            last = first + experiment.scan.n_images - 1
            offset += BATCH_STEP * (1 + last // BATCH_STEP)
        return cls(tuple(starts))


def batches(experiments: Sequence[Experiment], reflections: Reflections) -> np.ndarray:
    """(N,) int, the batch of the image on which each reflection is centred; frames from the scans' starts."""
    numbers, ids = BatchNumbers.of(experiments), reflections["experiment_id"]
    last = np.array([e.scan.n_images for e in experiments])[ids] - 1
    frame = np.clip(np.floor(reflections["xyz_cal_px"][:, 2]), 0, last)
    return frame.astype(np.int64) + np.array(numbers.first)[ids]


def write_unmerged_mtz(
    path: str | Path, experiments: Sequence[Experiment], reflections: Reflections, name: str = "sweep"
) -> None:
    """Write observations, scaled where they are scaled, with one batch for each image, a data set for each wavelength.

    reflections : integrated or scaled, experiment_id an index into `experiments`, which share one
        space group
    """
    crystals = [e.crystal for e in experiments if e.crystal is not None]
    group = crystals[0].space_group
    mtz = _empty(group, shared_cell(experiments), experiments[0].beam.wavelength, name)
    datasets = _datasets(mtz, experiments)
    numbers = BatchNumbers.of(experiments)
    asu, isym = to_asu(reflections["hkl"], group)
    batch = batches(experiments, reflections)
    columns: dict[str, tuple[str, np.ndarray]] = {"M/ISYM": ("Y", isym), "BATCH": ("B", batch)}
    columns |= _observation_columns(reflections)
    for label, (kind, _) in columns.items():
        mtz.add_column(label, kind, dataset_id=1)
    data = np.column_stack([asu, *(column for _, column in columns.values())]).astype(np.float32)
    order = np.lexsort((batch, isym, asu[:, 2], asu[:, 1], asu[:, 0]))
    mtz.set_data(data[order])
    for experiment, first, dataset in zip(experiments, numbers.first, datasets, strict=True):
        for block in _batches(experiment, first, dataset):
            mtz.batches.append(block)
    mtz.update_reso()
    mtz.sort_order = [1, 2, 3, 4, 5]
    Path(path).write_bytes(mtz.write_to_bytes())  # unlike write_to_file, says why it fails


def _datasets(mtz: gemmi.Mtz, experiments: Sequence[Experiment]) -> list[int]:
    """The data set of each experiment; those of wavelengths beside the first are made, and all named by them."""
    sets = alike([e.beam.wavelength for e in experiments])
    numbers = [1] * len(experiments)
    if len(sets) == 1:
        return numbers
    cell, project, crystal = mtz.cell, mtz.datasets[1].project_name, mtz.datasets[1].crystal_name
    for _ in sets[1:]:
        mtz.add_dataset(crystal)  # which may move those before it
    for n, members in enumerate(sets, 1):
        wavelength = experiments[members[0]].beam.wavelength
        dataset = mtz.datasets[n]
        dataset.project_name, dataset.crystal_name = project, crystal
        dataset.dataset_name = _of_wavelength(crystal, wavelength)
        dataset.wavelength, dataset.cell = wavelength, cell
        for member in members:
            numbers[member] = dataset.id
    return numbers


def _of_wavelength(crystal: str, wavelength: float) -> str:
    """The name of a data set of one of the wavelengths of a crystal."""
    return f"{crystal}_{in_name(wavelength)}"


def _observation_columns(r: Reflections) -> dict[str, tuple[str, np.ndarray]]:
    columns: dict[str, tuple[str, np.ndarray]] = {}
    if "intensity_scale" in r:
        g = r["inverse_scale"]
        columns["I"] = ("J", r["intensity_scale"] / g)
        columns["SIGI"] = ("Q", np.sqrt(r["variance_scale"]) / g)
        columns["SCALEUSED"] = ("R", g)
    else:
        value, sigma = corrected(r, "sum")
        columns |= {"I": ("J", value), "SIGI": ("Q", sigma)}
        if "intensity_prf" in r:
            value, sigma = corrected(r, "prf")
            columns |= {"IPR": ("J", value), "SIGIPR": ("Q", sigma)}
    columns["FRACTIONCALC"] = ("R", r["partiality"])
    columns["XDET"] = ("R", r["xyz_cal_px"][:, 0])
    columns["YDET"] = ("R", r["xyz_cal_px"][:, 1])
    columns["ROT"] = ("R", np.degrees(r["xyz_cal_mm"][:, 2]))
    for name, label in (("lp", "LP"), ("qe", "QE"), ("background_sum", "BG")):
        if name in r:
            columns[label] = ("R", r[name])
    if "background_variance" in r:
        columns["SIGBG"] = ("R", np.sqrt(np.maximum(r["background_variance"], 0)))
    return columns


def cambridge_frame(experiment: Experiment) -> np.ndarray:
    """(3, 3) from the laboratory to the frame of MTZ batch headers: z the rotation axis, x along the beam."""
    z = experiment.goniometer.lab_axis
    x = experiment.beam.s0 - (experiment.beam.s0 @ z) * z
    x /= np.linalg.norm(x)
    return np.array([x, np.cross(z, x), z])


def _batches(experiment: Experiment, first: int, dataset: int) -> Iterator[gemmi.Mtz.Batch]:
    """The orientation blocks of the images, numbered from `first`.

    Positions of the words as in the CCP4 library's batch header.
    """
    scan, panel, turn = experiment.scan, experiment.detector[0], cambridge_frame(experiment)
    cells, orientations = _crystal_of_each_image(experiment, turn)
    always = {
        38: (0.0, 0.0, 1.0),
        43: (1.0,),
        47: (scan.oscillation[1],),
        59: (0.0, 0.0, 1.0),
        80: (-1.0, 0.0, 0.0),
        83: -turn @ experiment.beam.s0 * experiment.beam.wavelength,
        86: (experiment.beam.wavelength,),
        111: (panel.distance,),
        115: (0.0, panel.image_size[0], 0.0, panel.image_size[1]),
    }
    for image, (cell, orientation) in enumerate(zip(cells, orientations, strict=True)):
        start = scan.oscillation[0] + image * scan.oscillation[1]
        batch = gemmi.Mtz.Batch()
        batch.number = first + image
        batch.title = f"image {scan.image_range[0] + image}"
        batch.axes = ["PHI"]
        batch.dataset_id = dataset
        batch.ints[15], batch.ints[16], batch.ints[17], batch.ints[18], batch.ints[19] = 1, 1, 1, 0, 1
        words = {0: cell, 6: orientation.T.ravel(), 36: (start, start + scan.oscillation[1]), **always}
        for at, values in words.items():
            for offset, value in enumerate(values):
                batch.floats[at + offset] = float(value)
        yield batch


def _crystal_of_each_image(experiment: Experiment, turn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cells (n, 6), Angstrom and degrees, in the middle of each image, and orientations (n, 3, 3) in a frame.

    turn : (3, 3) from the laboratory to that frame
    """
    crystal, gonio = experiment.crystal, experiment.goniometer
    assert crystal is not None
    A = crystal.A_at(np.arange(experiment.scan.n_images) + 0.5)
    cells = cells_from_real_matrices(np.linalg.inv(A))
    U = A @ np.linalg.inv([b_matrix(tuple(cell)) for cell in cells])
    return cells, turn @ gonio.setting @ gonio.fixed @ U
