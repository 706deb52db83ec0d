"""Simulated detectors: sizes that their makers print, and geometry that headers may get wrong."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from autoproc.geometry.detector import beam_centre_px
from autoproc.models.experiment import Beam, Detector, Panel
from autoproc.simulation.detectors import KINDS, detector_kind, header_panel, silicon_attenuation, true_panel
from autoproc.simulation.params import SimulateParams

SIZES = {
    "pilatus100k": (487, 195), "pilatus300k": (487, 619), "pilatus2m": (1475, 1679), "pilatus6m": (2463, 2527),
    "eiger1m": (1030, 1065), "eiger4m": (2070, 2167),
    "eiger9m": (3110, 3269), "eiger16m": (4150, 4371),
}  # fmt: skip
BEAM = Beam(0.98)


def test_sizes_are_those_of_the_makers():
    assert {name: kind.size for name, kind in KINDS.items()} == SIZES


@pytest.mark.parametrize("name", SIZES)
def test_gaps_lie_between_modules(name):
    kind = KINDS[name]
    active = kind.active
    assert active.shape == kind.size[::-1]
    assert active.sum() == np.prod(kind.module) * np.prod(kind.n)
    assert active[:, 0].any()
    assert active[-1].any()
    along = active[0]
    assert (np.flatnonzero(~along)[:1].tolist() or [kind.module[0]]) == [kind.module[0]]


def centre(panel: Panel) -> tuple[float, float]:
    return beam_centre_px(Detector((panel,)), BEAM)


@pytest.mark.parametrize("tilt", [(0.0, 0.0), (3.0, -2.0)])
def test_the_beam_meets_the_panel_where_and_how_far_off_it_was_said_to(tilt):
    params = SimulateParams(detector="pilatus300k", distance=123.0, beam_centre=(200.5, 301.25), detector_tilt=tilt)
    made = true_panel(params)
    assert_allclose(centre(made), (200.5, 301.25))
    point = made.origin + 0.172 * (200.5 * made.fast_axis + 301.25 * made.slow_axis)
    assert_allclose(point, [0, 0, -123.0], atol=1e-9)
    turn = Rotation.from_euler("xy", tilt, degrees=True).as_matrix()
    assert_allclose([made.fast_axis, made.slow_axis], [turn[:, 0], -turn[:, 1]], atol=1e-12)


def test_headers_know_no_tilt_and_have_their_errors():
    params = SimulateParams(
        detector="pilatus300k", distance=123.0, beam_centre=(200.0, 300.0), detector_tilt=(3.0, 1.0),
        beam_centre_error=(2.0, -3.0), distance_error=0.5,
    )  # fmt: skip
    told = header_panel(params)
    assert_allclose(centre(told), (202.0, 297.0))
    assert told.distance == pytest.approx(123.5)
    assert_allclose([told.fast_axis, told.slow_axis], [[1, 0, 0], [0, -1, 0]])


def test_a_swing_turns_everything_about_x():
    flat, swung = (true_panel(SimulateParams(detector="eiger1m", two_theta=t)) for t in (0.0, 20.0))
    turn = Rotation.from_euler("x", 20.0, degrees=True).as_matrix()
    for name in ("fast_axis", "slow_axis", "origin"):
        assert_allclose(getattr(swung, name), turn @ getattr(flat, name), atol=1e-9)


def test_sensors_absorb_as_silicon_does_and_may_be_none():
    made = true_panel(SimulateParams(detector="eiger1m", wavelength=0.98))
    assert (made.thickness, made.mu, made.material) == (0.45, silicon_attenuation(0.98), "Si")
    bare = true_panel(SimulateParams(detector="eiger1m", sensor_thickness=0.0))
    assert (bare.has_parallax, bare.material) == (False, "")
    thick = true_panel(SimulateParams(detector="eiger1m", sensor_thickness=1.0))
    assert thick.thickness == 1.0


@pytest.mark.parametrize(("kev", "cm2_per_g"), [(8.0, 64.68), (10.0, 33.89), (20.0, 4.464)])
def test_attenuation_is_that_of_the_tables_times_the_density(kev, cm2_per_g):
    assert silicon_attenuation(12.39842 / kev) == pytest.approx(cm2_per_g * 2.33 / 10, rel=1e-6)


def test_between_the_tables_lines_attenuation_falls_as_a_power():
    """8 to 10 keV: the mean of the logarithms at the mean of the logarithms of energy."""
    expected = np.sqrt(64.68 * 33.89) * 0.233
    assert silicon_attenuation(12.39842 / np.sqrt(80.0)) == pytest.approx(expected, rel=1e-6)


def test_a_detector_of_ones_own_has_one_module():
    kind = detector_kind(SimulateParams(detector="custom", detector_size=(60, 50), pixel_size=0.1))
    assert (kind.size, kind.pixel, kind.active.all()) == ((60, 50), 0.1, True)
