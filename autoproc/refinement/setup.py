"""From experiments and indexed spots to a least-squares problem, and back."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoproc.geometry.constraints import lower_triangular_B, split_setting, strain_basis
from autoproc.geometry.reciprocal import in_mm, is_entering, s1_of_spots, zeta
from autoproc.models.crystal import Crystal, cell_from_real_matrix
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.models.space_group import rotations_of
from autoproc.refinement.gradients import IndexedSpots
from autoproc.refinement.model import CrystalModel
from autoproc.refinement.problem import ExperimentSpots, RefinedModels
from autoproc.refinement.spline_smoother import SplineSmoother

SAME_CELL = 1e-9
"""1/Angstrom, in the elements of B: equal but for rounding. Two crystals refined apart differ by 1e-6 and more."""


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The spots of one experiment: their rows in the table and what refinement reads of them."""

    rows: np.ndarray
    observed: IndexedSpots


def select_indexed(experiments: Sequence[Experiment], spots: Reflections, min_zeta: float) -> tuple[Selection, ...]:
    """The indexed spots of each experiment; those close to the spindle get no weight."""
    has_index = np.any(spots["hkl"] != 0, axis=1)
    return tuple(
        _select(experiment, spots, np.flatnonzero(has_index & (spots["experiment_id"] == n)), min_zeta)
        for n, experiment in enumerate(experiments)
    )


def _select(experiment: Experiment, spots: Reflections, rows: np.ndarray, min_zeta: float) -> Selection:
    xyz_px, panel = spots["xyz_obs_px"][rows], spots["panel"][rows].astype(int)
    xyz, scale = in_mm(experiment, panel, xyz_px)
    s1 = s1_of_spots(experiment.detector, experiment.beam, panel, xyz_px[:, :2])
    weights = _weights(spots["xyz_obs_px_variance"][rows] if "xyz_obs_px_variance" in spots else None, scale)
    weights[np.abs(zeta(experiment.goniometer, experiment.beam, s1)) < min_zeta] = 0.0
    entering = is_entering(experiment.goniometer, experiment.beam, s1)
    hkl = spots["hkl"][rows].astype(float)
    return Selection(rows, IndexedSpots(hkl, panel, xyz, xyz_px[:, 2], weights, entering))


def thinned(selection: Selection, experiment: Experiment, per_degree: float | None) -> Selection:
    """At most `per_degree` spots of every degree of rotation, drawn evenly and always the same."""
    if per_degree is None:
        return selection
    frame, width = selection.observed.frame, abs(experiment.scan.oscillation[1])
    n_bins = max(1, int(np.ceil(experiment.scan.n_images * width)))
    limit = max(1, int(per_degree * experiment.scan.n_images * width / n_bins))
    bins = np.clip(frame / experiment.scan.n_images * n_bins, 0, n_bins - 1).astype(int)
    if not len(frame) or np.bincount(bins).max() <= limit:
        return selection
    drawn = np.random.default_rng(0).permutation(len(frame))
    order = drawn[np.argsort(bins[drawn], kind="stable")]
    rank = np.arange(len(order)) - np.searchsorted(bins[order], bins[order])
    kept = np.sort(order[rank < limit])
    return Selection(selection.rows[kept], selection.observed[kept])


def spots_per_degree(experiments: Sequence[Experiment], n_spots: int) -> float:
    """Of every experiment, so that they have so many together."""
    return n_spots / max(sum(abs(e.scan.oscillation[1]) * e.scan.n_images for e in experiments), 1e-9)


def _weights(variance: np.ndarray | None, scale: np.ndarray) -> np.ndarray:
    """1/variance; spots with an impossible variance get the median one, all get 1 px if none is known."""
    if variance is None or not len(variance) or not np.any(variance > 0):
        return 1.0 / scale**2
    typical = np.array([np.median(column[column > 0]) if np.any(column > 0) else 1.0 for column in variance.T])
    return 1.0 / (np.where(variance > 0, variance, typical) * scale**2)


def build(
    experiments: Sequence[Experiment], selections: Sequence[Selection], smoothers: Sequence[SplineSmoother]
) -> tuple[tuple[ExperimentSpots, ...], RefinedModels]:
    """Sweeps and models of experiments; models that experiments share are refined as one.

    A crystal on two sweeps is one crystal while it is static, two when it varies over each.
    """
    detectors, beams = _Pool(), _Pool()
    crystals = _Pool()
    sweeps = []
    for experiment, selection, smoother in zip(experiments, selections, smoothers, strict=True):
        crystal = experiment.crystal
        if crystal is None:
            raise ValueError("refinement needs a crystal in every experiment")
        key = (id(crystal), id(experiment.scan) if smoother.n_intervals else 0)
        sweeps.append(
            ExperimentSpots(
                selection.observed,
                experiment.goniometer,
                detectors.index(id(experiment.detector), experiment.detector),
                beams.index(id(experiment.beam), experiment.beam),
                crystals.index(key, (crystal, smoother)),
            )
        )
    models = with_common_cells([crystal_model(*c) for c in crystals.models])
    return tuple(sweeps), RefinedModels(tuple(detectors.models), tuple(beams.models), models)


def with_common_cells(crystals: Sequence[CrystalModel]) -> tuple[CrystalModel, ...]:
    """Crystals whose cells are the same number for number have one cell in common, the same object.

    So indexing leaves one crystal on several sweeps, to each of which the goniometer has brought it with a small error.
    """
    result: list[CrystalModel] = []
    for crystal in crystals:
        same = next((c for c in result if _is_same_cell(c, crystal)), None)
        result.append(crystal if same is None else replace(crystal, B=same.B, strains=same.strains))
    return tuple(result)


def _is_same_cell(one: CrystalModel, other: CrystalModel) -> bool:
    return one.strains.shape == other.strains.shape and np.allclose(one.B, other.B, rtol=0, atol=SAME_CELL)


class _Pool:
    """Models in order of first appearance, each once."""

    def __init__(self) -> None:
        self.models: list = []
        self._seen: dict[Hashable, int] = {}

    def index(self, key: Hashable, model: object) -> int:
        if key not in self._seen:
            self._seen[key] = len(self.models)
            self.models.append(model)
        return self._seen[key]


def crystal_model(crystal: Crystal, smoother: SplineSmoother) -> CrystalModel:
    """A crystal as it is refined, its cell pulled onto the symmetry of its space group."""
    rotations = rotations_of(crystal.space_group)
    U, B = split_setting(crystal.A, rotations)
    strains = strain_basis(B, rotations)
    n = smoother.n_coefficients
    return CrystalModel(U, B, strains, smoother, np.zeros((n, 3)), np.zeros((n, len(strains))))


def refined_experiments(
    experiments: Sequence[Experiment],
    sweeps: Sequence[ExperimentSpots],
    state: RefinedModels,
    covariances: Sequence[np.ndarray | None] | None = None,
) -> list[Experiment]:
    """The experiments with the models of a state, shared as before.

    covariances : of each crystal's average strain coefficients (k, k), None where the cell was fixed
    """
    covariances = covariances or [None] * len(state.crystals)
    crystals: dict[int, Crystal] = {}
    result = []
    for experiment, sweep in zip(experiments, sweeps, strict=True):
        if sweep.crystal not in crystals:
            model = state.crystals[sweep.crystal]
            assert experiment.crystal is not None
            crystals[sweep.crystal] = _crystal(
                experiment.crystal, model, experiment.scan.n_images, covariances[sweep.crystal]
            )
        result.append(
            replace(
                experiment,
                beam=state.beams[sweep.beam],
                detector=state.detectors[sweep.detector],
                crystal=crystals[sweep.crystal],
            )
        )
    return result


def _crystal(old: Crystal, model: CrystalModel, n_images: int, covariance: np.ndarray | None) -> Crystal:
    mean = model.mean_weights()
    omega, strain = mean @ model.omega, mean @ model.strain
    points = model.A_at(np.arange(n_images + 1.0)) if model.smoother.n_intervals else None
    esd, B_covariance = None, None
    if covariance is not None:
        esd, B_covariance = cell_uncertainty(model, strain, covariance)
    return Crystal(model.A_of(omega[None], strain[None])[0], old.space_group, points, esd, B_covariance)


def cell_uncertainty(
    model: CrystalModel, strain: np.ndarray, covariance: np.ndarray
) -> tuple[tuple[float, ...], np.ndarray]:
    """Standard uncertainties of the six cell parameters and the (9, 9) covariance of B.

    covariance : (k, k) of the strain coefficients. Derivatives are central differences.
    """
    step = 1e-6

    def derived(coefficients: np.ndarray) -> np.ndarray:
        stretch = np.eye(3) + np.tensordot(coefficients, model.strains, axes=1)
        B = lower_triangular_B((stretch @ model.B).T @ (stretch @ model.B))
        return np.concatenate([cell_from_real_matrix(np.linalg.inv(B)), B.ravel()])

    shifts = step * np.eye(len(strain))
    slopes = np.array([(derived(strain + s) - derived(strain - s)) / (2 * step) for s in shifts]).T
    full = slopes @ covariance @ slopes.T
    esd = np.sqrt(np.maximum(np.diag(full)[:6], 0.0))
    return tuple(float(e) if e > 1e-7 else 0.0 for e in esd), full[6:, 6:]
