from __future__ import annotations

import gemmi
import numpy as np
import pytest

from autoproc.models.space_group import rotations_of
from autoproc.simulation.wedges import WedgesParams, simulate_wedges

SMALL = {"cell": (30.0, 30.0, 40.0, 90.0, 90.0, 120.0), "n_wedges": 3, "d_min": 3.5}


def test_indices_point_to_where_the_reflections_are():
    wedges = simulate_wedges(WedgesParams(**SMALL))
    table = wedges.reflections
    for n, experiment in enumerate(wedges.experiments):
        rows = table["experiment_id"] == n
        observed = np.linalg.norm(table["s1"][rows] - experiment.beam.s0, axis=1)
        calculated = np.linalg.norm(table["hkl"][rows] @ experiment.crystal.A.T, axis=1)
        np.testing.assert_allclose(observed, calculated, rtol=1e-6)
        frame = table["xyz_cal_px"][rows, 2]
        assert frame.min() >= 0
        assert frame.max() <= experiment.scan.n_images
        assert 10 <= experiment.scan.n_images <= 40


@pytest.mark.parametrize(("group", "n"), [("P 3", 4), ("P 31 2 1", 2), ("R 3", 2)])
def test_each_setting_of_the_lattice_occurs(group, n):
    wedges = simulate_wedges(WedgesParams(**SMALL | {"n_wedges": 30, "space_group": group, "degrees": (1, 1)}))
    own = [w.T for w in rotations_of(gemmi.SpaceGroup(group))]
    kinds = []
    for operator in wedges.operators:
        if not any(np.allclose(np.linalg.inv(k) @ operator, w) for k in kinds for w in own):
            kinds.append(operator)
    assert len(kinds) == n


def test_the_factor_is_that_of_the_true_intensities():
    wedges = simulate_wedges(WedgesParams(**SMALL, scales=(2.0, 2.0), decays=(0.0, 0.0), systematic=0.0, photons=1e6))
    back = [np.linalg.inv(operator) for operator in wedges.operators]
    table = wedges.reflections
    hkl = np.array([np.rint(back[n] @ h) for n, h in zip(table["experiment_id"], table["hkl"], strict=True)])
    true = dict(zip(map(tuple, wedges.hkl.tolist()), wedges.intensity, strict=True))
    expected = np.array([true[tuple(h)] for h in hkl.astype(int).tolist()]) * wedges.factor
    deviation = (table["intensity_sum"] - expected) / np.sqrt(table["variance_sum"])
    assert np.std(deviation) == pytest.approx(1.0, abs=0.05)
    assert wedges.factor.min() > 1.5
    assert wedges.factor.max() < 2.5


def test_impostors_are_among_them():
    wedges = simulate_wedges(WedgesParams(**SMALL, n_impostors=2))
    assert wedges.is_impostor.sum() == 2
    assert len(wedges.experiments) == 5
