from __future__ import annotations

import numpy as np
import pytest
from synthetic_spots import random_spots, setting, spots_of, sweep

from autoproc.indexing.assign import Tolerance, assign, index_deviations, observed_tolerance
from autoproc.indexing.reciprocal_spots import spots_in_reciprocal_space
from autoproc.models.reflections import Reflections

CELL = (60.0, 70.0, 80.0, 90.0, 90.0, 90.0)
WIDE = Tolerance(0.3, np.full(3, 0.3))


def test_true_indices_are_found():
    e, A = sweep(n_images=40), setting(CELL, 1)
    spots = spots_of(e, A, 3.0)
    found = assign([A], spots_in_reciprocal_space([e], spots), [WIDE])
    assert found.is_indexed.all()
    np.testing.assert_array_equal(found.hkl, spots["hkl"])


def test_the_nearest_lattice_wins():
    e, A, B = sweep(n_images=40), setting(CELL, 1), setting(CELL, 2)
    first, second = spots_of(e, A, 3.0), spots_of(e, B, 3.0)
    observed = spots_in_reciprocal_space([e], Reflections.concatenate([first, second]))
    found = assign([A, B], observed, [WIDE, WIDE])
    truth = np.repeat([0, 1], [len(first), len(second)])
    assert np.mean(found.lattice == truth) > 0.995
    np.testing.assert_array_equal(found.count(2), [np.sum(found.lattice == 0), np.sum(found.lattice == 1)])


def test_few_random_spots_are_indexed_by_chance():
    e, A = sweep(n_images=40), setting(CELL, 1)
    noise = random_spots(e, 4000)
    observed = spots_in_reciprocal_space([e], Reflections.concatenate([spots_of(e, A, 3.0), noise]))
    tolerance = observed_tolerance(A, observed, 0.3)
    found = assign([A], observed, [tolerance])
    assert np.mean(found.is_indexed[-4000:]) < 0.05
    assert np.mean(found.is_indexed[:-4000]) > 0.999
    assert np.mean(assign([A], observed, [WIDE]).is_indexed[-4000:]) > 0.15


def test_an_error_in_phi_is_allowed_for():
    e, A = sweep(n_images=20, width=1.0), setting((60.0, 70.0, 150.0, 90, 90, 90), 1)
    spots = spots_of(e, A, 2.5, noise_frames=0.3)
    observed = spots_in_reciprocal_space([e], spots)
    _, residual, smeared = index_deviations(A, observed)
    assert np.abs(residual - smeared).max() < 0.6 * np.abs(residual).max()
    found = assign([A], observed, [observed_tolerance(A, observed, 0.3)])
    assert found.is_indexed.mean() > 0.9


def test_the_origin_is_no_reflection():
    e, A = sweep(), setting(CELL, 1)
    spots = random_spots(e, 1)
    at_beam = spots.replace(xyz_obs_px=np.array([[500.01, 500.0, 3.0]]))
    assert not assign([A], spots_in_reciprocal_space([e], at_beam), [WIDE]).is_indexed[0]


@pytest.mark.parametrize("share", [0.05, 0.9])
def test_tolerance_is_tight_where_chance_would_index_many(share):
    e, A = sweep(n_images=40), setting(CELL, 1)
    spots = spots_of(e, A, 3.0)
    n = int(len(spots) * (1 - share) / share)
    observed = spots_in_reciprocal_space([e], Reflections.concatenate([spots, random_spots(e, n)]))
    tolerance = observed_tolerance(A, observed, 0.3)
    assert (tolerance.rest.max() < 0.08) == (share < 0.5)


def test_spots_of_a_sweep_that_is_not_there():
    with pytest.raises(ValueError, match="sweep 3"):
        spots_in_reciprocal_space([sweep()], random_spots(sweep(), 5, sweep_id=3))
