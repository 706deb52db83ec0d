"""Prepare a simulated sweep: draw the truth and find out what crosses the Ewald sphere when."""

from __future__ import annotations

import gemmi
import numpy as np

from autoproc.simulation.absorption import AbsorptionSurface
from autoproc.simulation.background import diffuse_background, shadow
from autoproc.simulation.detectors import detector_kind, true_panel
from autoproc.simulation.intensities import (
    TrueIntensities,
    crystal_symmetry,
    expand,
    structural_changes,
    wilson_intensities,
    with_pseudo_symmetry,
)
from autoproc.simulation.motion import Motion, crystal_motion, unit_axis
from autoproc.simulation.params import SimulateParams
from autoproc.simulation.passages import find_passages, index_by_image
from autoproc.simulation.sweep import SimulatedLattice, SimulatedSweep

BEAM = np.array([0.0, 0.0, -1.0])
MARGIN_SIGMAS = 4.5


def simulate(params: SimulateParams) -> SimulatedSweep:
    """A sweep whose frames are computed on demand. Raises ImpossibleCrystal for a bad cell or space group."""
    cell, group = crystal_symmetry(params.cell, params.space_group)
    structure = params.seed if params.structure_seed is None else params.structure_seed
    relative = wilson_intensities(
        cell,
        group,
        _rng(structure, 1),
        d_min=params.d_min,
        b=params.wilson_b,
        anomalous=params.anomalous,
        extra_b=params.anisotropic_b,
    )
    if params.pseudo_symmetry is not None:
        relative = with_pseudo_symmetry(relative, params.pseudo_symmetry, params.pseudo_strength)
    truth = TrueIntensities(relative.hkl, relative.plus * params.strength, relative.minus * params.strength)
    motion = crystal_motion(params, cell, _rng(params.seed, 2))
    panel, kind = true_panel(params), detector_kind(params)
    mask, hot = _defects(params, kind.active, _rng(params.seed, 3))
    return SimulatedSweep(
        params=params,
        space_group=group,
        truth=truth,
        motion=motion,
        panel=panel,
        lattices=_lattices(params, truth, _changes(params, cell, group, truth), motion, cell, group),
        absorption=AbsorptionSurface(params.absorption, _rng(params.seed, 4)),
        beam_factor=_beam_factor(params, _rng(params.seed, 5)),
        background=diffuse_background(params, panel, BEAM, _rng(params.seed, 6)),
        shadow=shadow(params, panel, BEAM),
        active=kind.active,
        mask=mask,
        hot=hot,
    )


def _rng(seed: int, stream: int) -> np.random.Generator:
    """Independent numbers for each purpose, so that changing one does not change the others."""
    return np.random.default_rng([seed, stream])


def _changes(
    params: SimulateParams, cell: gemmi.UnitCell, group: gemmi.SpaceGroup, truth: TrueIntensities
) -> TrueIntensities:
    """Structure factors that damage adds by the end, along those of the truth (plus) and across (minus)."""
    structure = params.seed if params.structure_seed is None else params.structure_seed
    size = params.structural_damage * params.strength**0.5
    along, across = structural_changes(cell, group, truth.hkl, _rng(structure, 9), b=params.wilson_b)
    return TrueIntensities(truth.hkl, size * along, size * across)


def _lattices(
    params: SimulateParams, truth: TrueIntensities, changes: TrueIntensities, motion: Motion, cell: gemmi.UnitCell,
    group: gemmi.SpaceGroup,
) -> tuple[SimulatedLattice, ...]:  # fmt: skip
    hkl, intensity = expand(truth, group)
    change = np.stack([expand(TrueIntensities(truth.hkl, one, one), group)[1] for one in (changes.plus, changes.minus)])
    inverse_d2 = np.asarray(cell.calculate_1_d2_array(hkl))
    s0 = BEAM / params.wavelength
    start, width = np.radians(params.start), np.radians(params.width)
    margin = MARGIN_SIGMAS * np.radians(params.mosaicity) + motion.largest_wobble + abs(params.cell_drift)
    lattices: list[SimulatedLattice] = []
    n_passages = 0
    for number, orientation in enumerate(motion.U):
        r = hkl @ (orientation @ motion.B).T
        passages = find_passages(r, s0, unit_axis(params), margin, (start, start + width * params.n_images))
        images = index_by_image(passages, start, width, params.n_images)
        error = np.exp(params.observation_error * _rng(params.seed, 20 + number).standard_normal(len(passages)))
        lattices.append(
            SimulatedLattice(number, hkl, intensity, change, inverse_d2, passages, images, error, n_passages)
        )
        n_passages += len(passages)
    return tuple(lattices)


def _beam_factor(params: SimulateParams, rng: np.random.Generator) -> np.ndarray:
    factor = np.maximum(1 + params.flicker * rng.standard_normal(params.n_images), 0.0)
    numbers = np.asarray(params.image_numbers)
    for first, last in params.blank_images:
        factor[(numbers >= first) & (numbers <= last)] = 0.0
    return factor


def _defects(params: SimulateParams, active: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Mask of good pixels, and (2, K) rows and columns of the hot ones among them."""
    rows, columns = np.nonzero(active)
    chosen = rng.choice(len(rows), min(params.dead_pixels + params.hot_pixels, len(rows)), replace=False)
    dead, hot = chosen[: params.dead_pixels], chosen[params.dead_pixels :]
    mask = active.copy()
    mask[rows[dead], columns[dead]] = False
    return mask, np.stack([rows[hot], columns[hot]])
