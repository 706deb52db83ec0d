"""Strong spots and the reflections predicted for them, against a search of every pair."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models_for_tests import crystal, experiment
from numpy.testing import assert_allclose

from autoproc.integration.kabsch import mosaic_lever, pixel_transform
from autoproc.integration.predict import Predictions
from autoproc.integration.strong import MAX_DISTANCE_PX, indexed_rows, inherited_flags, match, strong_spots
from autoproc.models.reflections import Flag, Reflections


def predicted(rng: np.random.Generator, n: int) -> Predictions:
    hkl, which = rng.integers(-2, 3, (n, 3)).astype(np.int32), rng.integers(0, 2, n).astype(np.int32)
    xyz = rng.uniform(0, 12, (n, 3))
    s1 = np.column_stack([0.2 * rng.normal(size=(n, 2)), -np.ones(n)])
    zeta = rng.uniform(-1, 1, n)
    return Predictions(which, hkl, s1, xyz, xyz[:, 2], zeta, np.ones(n), zeta < 0)


def observed(rng: np.random.Generator, n: int) -> Reflections:
    centroid = rng.uniform(0, 12, (n, 3))
    low = np.floor(centroid).astype(int) - 1
    return Reflections(
        {
            "hkl": rng.integers(-2, 3, (n, 3)), "experiment_id": rng.integers(-1, 2, n),
            "flags": rng.integers(0, 2**12, n), "xyz_obs_px": centroid,
            "bbox": np.stack([low, low + 3], axis=2).reshape(n, 6),
        }
    )  # fmt: skip


def nearest_of_every_pair(spots: Reflections, found: Predictions) -> list[int]:
    result = []
    for row in range(len(spots)):
        best, frames = -1, np.inf
        for other in range(len(found)):
            own = spots["experiment_id"][row] == found.experiment[other] and np.array_equal(
                spots["hkl"][row], found.hkl[other]
            )
            offset = spots["xyz_obs_px"][row] - found.xyz[other]
            near = np.hypot(*offset[:2]) < MAX_DISTANCE_PX and abs(offset[2]) < frames
            if own and near and np.any(spots["hkl"][row]):
                best, frames = other, abs(offset[2])
        result.append(best)
    return result


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(0, 60), st.integers(0, 40))
def test_each_spot_gets_the_nearest_of_its_own_reflections(seed, n_predicted, n_spots):
    rng = np.random.default_rng(seed)
    found, spots = predicted(rng, n_predicted), observed(rng, n_spots)
    assert match(spots, found).tolist() == nearest_of_every_pair(spots, found)


def test_indices_do_not_run_into_each_other():
    """0 0 1 and 0 1 0, and large negative indices, are different reflections."""
    rng = np.random.default_rng(0)
    found = predicted(rng, 4)
    hkl = np.array([[0, 0, -32000], [0, -1, 32000], [-1, 0, 0], [31000, -31000, 1]], np.int32)
    found = replace(found, experiment=np.zeros(4, np.int32), hkl=hkl, xyz=0 * found.xyz)
    spots = observed(rng, 4).replace(hkl=hkl[::-1], experiment_id=np.zeros(4), xyz_obs_px=np.zeros((4, 3)))
    assert match(spots, found).tolist() == [3, 2, 1, 0]


def test_a_reflection_seen_twice_does_not_lead_beyond_the_last_of_the_list():
    rng = np.random.default_rng(5)
    hkl = np.array([[1, 0, 0], [1, 0, 0], [2, 0, 0]], np.int32)
    found = replace(
        predicted(rng, 3), experiment=np.zeros(3, np.int32), hkl=hkl, xyz=np.diag([0.0, 0.0, 5.0])[[0, 2, 0]]
    )
    spots = observed(rng, 3).replace(
        hkl=np.array([[1, 0, 0], [2, 0, 0], [3, 0, 0]]),
        experiment_id=np.zeros(3),
        xyz_obs_px=np.full((3, 3), [0, 0, 4]),
    )
    assert match(spots, found).tolist() == [1, 2, -1]


def test_spots_without_a_lattice_or_an_index_have_no_match():
    spots = observed(np.random.default_rng(1), 3).replace(
        experiment_id=np.array([0, -1, 0]), hkl=np.array([[1, 0, 0], [1, 0, 0], [0, 0, 0]])
    )
    assert indexed_rows(spots).tolist() == [True, False, False]


def test_what_was_predicted_goes_with_the_spots_and_the_others_stay_as_seen():
    made = experiment(crystal(seed=2))
    rng = np.random.default_rng(3)
    found, spots = predicted(rng, 5), observed(rng, 3)
    found = replace(found, experiment=np.zeros(5, np.int32))
    strong = strong_spots([made], spots, found, np.array([0, -1, 2]))
    assert strong.experiment.tolist() == [0, -1, 0]
    assert_allclose(strong.frame, [found.xyz[0, 2], spots["xyz_obs_px"][1, 2], found.xyz[2, 2]])
    assert_allclose(strong.zeta, [found.zeta[0], 1.0, found.zeta[2]])
    own = np.array([0, 2])
    assert_allclose(strong.transform[[0, 2]], pixel_transform(made, found.s1[own], found.xyz[own, :2]))
    assert_allclose(strong.lever[[0, 2]], mosaic_lever(made, found.s1[own]))
    assert_allclose(strong.transform[1], np.eye(2))
    assert_allclose(strong.places.xy, spots["xyz_obs_px"][:, :2])


@pytest.mark.parametrize("flag", [Flag.INDEXED, Flag.STRONG, Flag.USED_IN_REFINEMENT])
def test_what_earlier_steps_knew_is_inherited(flag):
    spots = observed(np.random.default_rng(4), 3).replace(flags=np.array([int(flag | Flag.OVERLOADED), 0, int(flag)]))
    flags = inherited_flags(4, spots, np.array([2, 0, -1]))
    plain = int(Flag.PREDICTED)
    assert flags.tolist() == [plain, plain, plain | int(flag), plain]
