from __future__ import annotations

import numpy as np
from models_for_tests import experiment, scaled

from autoproc.merging.by_image import agreement_by_image
from autoproc.models.reflections import Flag


def test_an_image_that_does_not_fit_stands_out():
    made = experiment()
    table = scaled(made.crystal, noise=0.02)
    frame = table["xyz_cal_px"][:, 2].astype(int)
    bad = table.replace(intensity_scale=np.where(frame == 7, 2.0, 1.0) * table["intensity_scale"])
    (seen,) = agreement_by_image([made], bad)
    assert list(seen.image[[0, -1]]) == [1, 40]
    assert np.nanargmax(seen.r_merge) == 7
    assert seen.r_merge[7] > 5 * np.nanmedian(seen.r_merge)
    assert seen.n_observations.sum() == len(table)
    np.testing.assert_array_equal(seen.n_observations, np.bincount(frame, minlength=40))


def test_images_without_observations_are_not_a_number():
    made = experiment()
    table = scaled(made.crystal)
    (seen,) = agreement_by_image([made], table[table["xyz_cal_px"][:, 2] < 20])
    assert np.all(np.isnan(seen.r_merge[20:]))
    assert np.all(np.isnan(seen.i_over_sigma[20:]))
    assert np.all(np.isfinite(seen.i_over_sigma[:20]))


def test_rejected_observations_do_not_count():
    made = experiment()
    table = scaled(made.crystal)
    outlier = np.arange(len(table)) % 2 == 0
    (seen,) = agreement_by_image([made], table.with_flag(Flag.OUTLIER_IN_SCALING, outlier))
    assert seen.n_observations.sum() == np.count_nonzero(~outlier)
    (none,) = agreement_by_image([made], table.with_flag(Flag.OUTLIER_IN_SCALING))
    assert none.n_observations.sum() == 0


def test_lattices_are_told_apart():
    made = experiment()
    first, second = scaled(made.crystal, seed=1), scaled(made.crystal, seed=1)
    both = type(first).concatenate([first, second.replace(experiment_id=np.ones(len(second), int))])
    seen = agreement_by_image([made, made], both)
    np.testing.assert_array_equal(seen[0].n_observations, seen[1].n_observations)
