from __future__ import annotations

import numpy as np
import pytest
from synthetic_spots import setting, sweep

from autoproc.indexing.model import model_of
from autoproc.indexing.params import IndexParams
from autoproc.indexing.solve import _has_form, _of_search, largest_rmsd_phi

CELL = (31.0, 37.0, 43.0, 82.0, 95.0, 101.0)


@pytest.mark.parametrize(("width", "limit"), [(0.1, 5.0), (1.0, 5.0), (-4.0, 8.0), (10.0, 20.0)])
def test_the_limit_of_phi_grows_with_wide_images(width, limit):
    assert np.degrees(largest_rmsd_phi([sweep(width=width, n_images=3)])) == pytest.approx(limit)


def test_the_widest_of_several_sweeps_counts():
    assert np.degrees(largest_rmsd_phi([sweep(width=0.1), sweep(width=6.0, n_images=3)])) == pytest.approx(12.0)


def test_turned_lattices_have_one_form_and_supercells_another():
    first, turned = setting(CELL, 1), setting(CELL, 2)
    doubled = np.linalg.inv(np.diag([2, 1, 1]) @ np.linalg.inv(turned))
    assert _has_form(turned, first)
    assert not _has_form(doubled, first)


def test_later_searches_leave_the_detector_in_place():
    model, params = model_of([sweep()]), IndexParams()
    assert _of_search(model, params).refine_detector
    assert not _of_search(model.with_settings([setting(CELL)]), params).refine_detector
