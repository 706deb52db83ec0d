"""Short sweeps of one small crystal, each at another kappa setting, with few spots; simulated, with a known answer."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import gemmi
import numpy as np
from scipy.spatial.transform import Rotation
from simulated import simulated_frames

from autoproc.formats.dials.expt import goniometer_from_axes, identifier_for
from autoproc.models.experiment import Experiment, ImageSet
from autoproc.models.reflections import Reflections
from autoproc.simulation import SimulatedSweep
from autoproc.stages.find_spots import FindSpotsParams, find_spots

CELL = (9.2, 11.3, 14.1, 90.0, 90.0, 90.0)
GROUP = "P 21 21 21"
AXES = np.array([[1.0, 0, 0], [0.643, -0.766, 0], [1.0, 0, 0]])
"""phi, kappa and omega, which is turned."""
SETTINGS = ((0.0, 0.0), (70.0, 0.0), (40.0, 60.0), (130.0, 25.0))
"""kappa and phi of each sweep, degrees."""
MISSED = 0.4
"""Degrees by which the goniometer misses the angles that the header says, about another axis on each sweep."""
U = Rotation.from_rotvec([0.3, -0.9, 0.5]).as_matrix()


@cache
def sweep_at(number: int, seed: int = 0, n_images: int = 16) -> tuple[SimulatedSweep, Experiment]:
    """A sweep in memory, and its experiment as the header has it, with the goniometer's axes. seed : of the crystal."""
    kappa, phi = SETTINGS[number]
    goniometer = goniometer_from_axes(AXES, ("phi", "kappa", "omega"), (phi, kappa, 0.0), 2)
    about = np.random.default_rng(number).normal(size=3)
    missed = np.radians(MISSED) * about / np.linalg.norm(about) if number else np.zeros(3)
    wrong = Rotation.from_rotvec(missed).as_matrix()
    turn = Rotation.random(random_state=seed).as_matrix() if seed else np.eye(3)
    sweep = simulated_frames(
        cell=CELL, space_group=GROUP, orientation=tuple((goniometer.fixed @ wrong @ turn @ U).ravel()),
        n_images=n_images, width=0.25, d_min=1.1, strength=30000.0, wilson_b=5.0, distance=60.0, mosaicity=0.12,
        divergence=0.05, seed=10 + number, structure_seed=seed, cell_drift=0.0, wobble=0.0,
        hot_pixels=0, wavelength=0.7,
    )  # fmt: skip
    images = ImageSet("cbf", f"/nowhere/x{seed}_{number}_#####.cbf")
    header = sweep.header_experiment()
    scan = header.scan
    return sweep, replace(header, goniometer=goniometer, imageset=images, identifier=identifier_for(images, scan))


@cache
def found_at(number: int, seed: int = 0, n_images: int = 16) -> tuple[Experiment, Reflections]:
    """The header's experiment and the spots found on the images."""
    sweep, experiment = sweep_at(number, seed, n_images)
    found = find_spots(experiment, sweep, sweep.mask & sweep.active, FindSpotsParams(), 1)
    return experiment, found.reflections


def true_intensities(sweep: SimulatedSweep, hkl: np.ndarray) -> np.ndarray:
    """(N,) of indices, whatever their Friedel mate and equivalent; NaN for those that are absent."""
    operations = gemmi.SpaceGroup(GROUP).operations()
    asu = gemmi.ReciprocalAsu(gemmi.SpaceGroup(GROUP))
    mean = dict(zip(map(tuple, sweep.truth.hkl.tolist()), (sweep.truth.plus + sweep.truth.minus) / 2, strict=True))
    return np.array([mean.get(tuple(asu.to_asu(list(map(int, h)), operations)[0]), np.nan) for h in hkl])


def sweep_of(experiment: Experiment) -> SimulatedSweep:
    """The images of an experiment of found_at, by its template."""
    assert experiment.imageset is not None
    seed, number = map(int, re.findall(r"x(\d+)_(\d+)_", experiment.imageset.template)[0])
    return sweep_at(number, seed)[0]


class Images:
    """Those of a simulated sweep, as the reader of files gives them."""

    def __init__(self, sweep):
        self.sweep = sweep

    def __getattr__(self, name):
        return getattr(self.sweep, name)

    def warnings(self, first_image):
        return []


def images_of(experiment, config, is_read_again):
    return Images(sweep_of(experiment))
