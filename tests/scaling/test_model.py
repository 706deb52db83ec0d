from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scaled_for_tests import Recipe, experiment

from autoproc.scaling import model as module
from autoproc.scaling.absorption import beam_directions, n_harmonics, surface_basis
from autoproc.scaling.model import PhysicalModel, ScaleCoordinates, model_for, positive_surface, to_dials

MADE = experiment(Recipe())


def random_model(seed: int = 0, lmax: int = 3, decay: bool = True, spread: float = 0.02) -> PhysicalModel:
    model = model_for(MADE, np.array([0.0, 180.0]), decay, lmax)
    return model.with_parameters(
        model.parameters + spread * np.random.default_rng(seed).normal(size=len(model.parameters))
    )


def random_coordinates(seed: int = 1, n: int = 30) -> ScaleCoordinates:
    random = np.random.default_rng(seed)
    return ScaleCoordinates(random.uniform(0, 180, n), random.normal(size=(n, 3)), random.uniform(1, 10, n))


@pytest.mark.parametrize(
    ("rotation", "scale", "decay"),
    [
        (4.9, 1.0, 1.5),
        (5.0, 2.0, 3.0),
        (9.9, 2.0, 3.0),
        (24.0, 4.0, 5.0),
        (89.0, 8.0, 10.0),
        (90.0, 15.0, 20.0),
        (360.0, 15.0, 20.0),
    ],
)
def test_parameters_are_spaced_as_those_of_dials(rotation, scale, decay):
    """The tables of dials.scale's physical model: the more rotation, the wider."""
    frames = rotation / MADE.scan.oscillation[1]
    model = model_for(MADE, np.array([10.0, 10.0 + frames]), True, 0)
    assert model.scale.n_intervals == int(np.ceil(rotation / scale - 1e-6))
    assert model.decay.n_intervals == int(np.ceil(rotation / decay - 1e-6))
    assert (model.first_frame, model.n_frames) == (10.0, pytest.approx(frames))


def test_the_sense_of_rotation_does_not_matter():
    back = replace(MADE, scan=replace(MADE.scan, oscillation=(0.0, -0.5)))
    assert (
        model_for(back, np.array([0.0, 180.0]), True, 2).scale == model_for(MADE, np.array([0.0, 180.0]), True, 2).scale
    )


def test_without_observations_a_model_is_one_frame_wide():
    model = model_for(MADE, np.zeros(0), True, 0)
    assert (model.first_frame, model.n_frames) == (0.0, 1.0)


@pytest.mark.parametrize("lmax", [0, 3])
def test_a_new_model_changes_nothing(lmax):
    model = model_for(MADE, np.array([0.0, 180.0]), True, lmax)
    np.testing.assert_allclose(model.factors_at(MADE, random_coordinates()), 1.0, rtol=1e-12)
    assert len(model.parameters) == model.scale.n_parameters + model.decay.n_parameters + lmax * (lmax + 2)


def test_factor_is_scale_times_debye_waller_times_surface():
    """Term by term against g = c exp(B / 2 d^2) S, with each term of a model of its own."""
    model, at = random_model(spread=0.05), random_coordinates()
    design = model.design(MADE, at)
    scale, decay, absorption = (model.parameters[s] for s in model.slices)
    c = (scale[design.scale_index] * design.scale_weight).sum(axis=1)
    b = (decay[design.decay_index] * design.decay_weight).sum(axis=1)
    surface = 1 + surface_basis(MADE, at.s1, at.frame, 3) @ absorption
    np.testing.assert_allclose(model.factors(design), c * np.exp(b / (2 * at.d**2)) * surface, rtol=1e-12)


def test_a_positive_b_leaves_more_at_high_resolution():
    model = random_model(spread=0.0)
    parameters = model.parameters.copy()
    parameters[model.slices[1]] = 4.0
    at = ScaleCoordinates(np.full(2, 90.0), np.ones((2, 3)), np.array([1.0, 2.0]))
    factors = model.with_parameters(parameters).factors_at(MADE, at)
    np.testing.assert_allclose(factors, np.exp([2.0, 0.5]), rtol=1e-12)


@pytest.mark.parametrize(("lmax", "decay"), [(0, False), (0, True), (4, False), (4, True)])
def test_factors_in_blocks_are_those_of_the_design(monkeypatch, lmax, decay):
    monkeypatch.setattr(module, "BLOCK", 7)
    model, at = random_model(lmax=lmax, decay=decay), random_coordinates()
    np.testing.assert_allclose(model.factors_at(MADE, at), model.factors(model.design(MADE, at)), rtol=1e-12)
    assert model.factors_at(MADE, at[:0]).shape == (0,)
    c, b, _ = model.terms(model.design(MADE, at))
    np.testing.assert_allclose(model.curves(at.frame), (c, b), rtol=1e-12)


@given(lower=st.integers(0, 4), higher=st.integers(0, 4))
def test_another_degree_keeps_the_coefficients_of_both(lower, higher):
    first = random_model(lmax=lower)
    second = first.with_degree(higher)
    both = min(n_harmonics(lower), n_harmonics(higher))
    a, b = (m.parameters[m.slices[2]] for m in (first, second))
    np.testing.assert_array_equal(a[:both], b[:both])
    assert not b[both:].any()
    assert len(b) == n_harmonics(higher)
    np.testing.assert_array_equal(
        first.parameters[: first.slices[2].start], second.parameters[: second.slices[2].start]
    )


def test_frames_beyond_the_data_have_the_factor_of_the_last():
    model = random_model(spread=0.2)
    inside, outside = (model.curves(np.array(f)) for f in ([0.0, 180.0], [-50.0, 400.0]))
    np.testing.assert_array_equal(inside, outside)
    np.testing.assert_allclose(model.coordinate(np.array([0.0, 90.0, 180.0]), model.scale), [0, 2.997, 5.994])


def test_surface_below_its_linear_part_is_an_exponential_of_the_same_slope():
    x = np.array([0.2, 0.1, 0.0, -1.0])
    np.testing.assert_allclose(positive_surface(x), 0.2 * np.exp((x - 0.2) / 0.2), rtol=1e-12)
    assert positive_surface(np.array([-1e9]))[0] > 0


def test_the_basis_is_one_of_directions_of_both_beams_in_the_crystal():
    """The lab's x axis is the spindle and the pole, so that rotation about it moves the longitude alone."""
    s1 = np.tile([0.6, 0.0, -0.8], (2, 1)) * 3.0
    frame = np.array([0.0, 180.0])  # a quarter turn
    to_source, outgoing = beam_directions(MADE, s1, frame)
    np.testing.assert_allclose(np.linalg.norm(outgoing, axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(outgoing[:, 2], 0.6, atol=1e-12)
    np.testing.assert_allclose(to_source[:, 2], 0.0, atol=1e-12)
    np.testing.assert_allclose(outgoing[0] @ outgoing[1], 0.36, atol=1e-12)
    np.testing.assert_allclose(outgoing[0, :2] @ to_source[0, :2], -0.8, atol=1e-12)


def test_first_harmonics_are_the_coordinates_with_x_as_the_pole():
    s1 = np.random.default_rng(2).normal(size=(20, 3))
    frame = np.zeros(20)
    unit = s1 / np.linalg.norm(s1, axis=1, keepdims=True)
    source = MADE.beam.direction / np.linalg.norm(MADE.beam.direction)
    turned = [np.stack([-v[..., 2], v[..., 1], v[..., 0]], axis=-1) for v in (unit, np.tile(source, (20, 1)))]
    mean = 0.5 * (turned[0] + turned[1]) * np.sqrt(3 / (4 * np.pi))
    basis = surface_basis(MADE, s1, frame, 1)  # m = -1, 0, 1: y, z, x
    np.testing.assert_allclose(basis, mean[:, [1, 2, 0]], atol=1e-12)


def test_a_diffracted_beam_of_no_length_does_no_harm():
    assert np.all(np.isfinite(surface_basis(MADE, np.zeros((1, 3)), np.zeros(1), 2)))


def test_dials_finds_the_terms_where_it_looks_for_them():
    model = random_model(lmax=2)
    uncertainty = np.arange(len(model.parameters), dtype=float)
    written = to_dials(model, uncertainty, MADE, {"error_model": "x"})
    configuration = written["configuration_parameters"]
    assert configuration["corrections"] == ["scale", "decay", "absorption"]
    joined = [x for name in configuration["corrections"] for x in written[name]["parameters"]]
    np.testing.assert_array_equal(joined, model.parameters)
    joined = [x for name in configuration["corrections"] for x in written[name]["est_standard_devs"]]
    np.testing.assert_array_equal(joined, uncertainty)
    assert [written[name]["null_parameter_value"] for name in configuration["corrections"]] == [1.0, 0.0, 0.0]
    assert configuration["lmax"] == 2
    assert configuration["error_model"] == "x"
    assert configuration["valid_image_range"] == [1, 180]
    assert configuration["valid_osc_range"] == [0.0, 90.0]
    # DIALS: normalised rotation = frame * norm_fac, parameters at unit spacing, 90 degrees in 6 and 5 intervals
    assert configuration["s_norm_fac"] == pytest.approx(0.999 * 6 / 180)
    assert configuration["scale_rot_interval"] == pytest.approx(15.0)
    assert configuration["d_norm_fac"] == pytest.approx(0.999 * 5 / 180)
    assert configuration["decay_rot_interval"] == pytest.approx(18.0)
