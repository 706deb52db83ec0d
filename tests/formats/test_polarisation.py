from __future__ import annotations

import h5py
import numpy as np
import pytest
from cbf_files import write_image
from hypothesis import given
from hypothesis import strategies as st

from autoproc.formats.nexus_polarisation import polarisation_in
from autoproc.formats.polarisation import POLARISATION_ASSUMED, from_fraction, from_ratio, from_stokes, stokes_of
from autoproc.formats.registry import read_cbf_models
from autoproc.geometry.corrections import polarisation_factor
from autoproc.models.experiment import Beam

ALONG_X, ALONG_Y = np.array([[1.0, 0.0, 0.0]]), np.array([[0.0, 1.0, 0.0]])


@pytest.mark.parametrize(("text", "fraction"), [("0.990", 0.99), ("0.500", 0.5), ("1", 1.0), ("0.000", 0.999)])
def test_a_minicbf_says_the_fraction(tmp_path, text, fraction):
    found = read_cbf_models(write_image(tmp_path / "x_0001.cbf", {"Polarization": text}))
    assert found.beam.polarization_fraction == fraction
    np.testing.assert_array_equal(found.beam.polarization_normal, [0, 1, 0])
    assert (POLARISATION_ASSUMED in found.remarks) == (text == "0.000")


def test_a_header_without_it_says_what_is_assumed(tmp_path):
    found = read_cbf_models(write_image(tmp_path / "x_0001.cbf", {"Polarization": None}))
    assert found.beam.polarization_fraction == 0.999
    assert found.remarks == (POLARISATION_ASSUMED,)


@pytest.mark.parametrize("text", ["1.8", "-0.9", "0.2"])
def test_an_impossible_fraction_is_warned_of(tmp_path, text):
    found = read_cbf_models(write_image(tmp_path / "x_0001.cbf", {"Polarization": text}))
    assert found.beam.polarization_fraction == 0.999
    assert [w for w in found.warnings if text in w and "polarization_fraction=" in w]


def test_a_flat_field_is_named(tmp_path):
    plain = read_cbf_models(write_image(tmp_path / "x_0001.cbf", {"Flat_field:": "(nil)"}))
    named = read_cbf_models(write_image(tmp_path / "x_0002.cbf", {"Flat_field:": "FF_p3_E12398_T6199.tif"}))
    assert not plain.remarks
    assert "FF_p3_E12398_T6199.tif" in named.remarks[0]


@pytest.mark.parametrize(("ratio", "fraction"), [(0.98, 0.99), (0.0, 0.5), (1.0, 1.0), (-1.0, 0.0)])
def test_an_imgcif_ratio_compares_plane_and_normal(ratio, fraction):
    assert from_ratio(ratio, 0.0).fraction == pytest.approx(fraction)


def test_an_imgcif_ratio_beyond_one_is_warned_of():
    found = from_ratio(99.0, 0.0)
    assert found.fraction is None
    assert "99" in found.warning


def test_the_angle_of_an_imgcif_normal_is_from_y():
    np.testing.assert_allclose(from_ratio(0.9, 90.0).normal, [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(from_ratio(None, 0.0).of(Beam(1.0)).polarization_normal, [0, 1, 0], atol=1e-12)


def test_a_field_along_x_scatters_nothing_along_x():
    for stokes, dark, bright in (((1, 1, 0, 0), ALONG_X, ALONG_Y), ((1, -1, 0, 0), ALONG_Y, ALONG_X)):
        beam = from_stokes(tuple(map(float, stokes))).of(Beam(1.0))
        assert polarisation_factor(beam, dark) == pytest.approx(0.0, abs=1e-12)
        assert polarisation_factor(beam, bright) == pytest.approx(1.0)


def test_a_field_between_x_and_y_of_nexus():
    beam = from_stokes((2.0, 0.0, 2.0, 0.0)).of(Beam(1.0))
    assert polarisation_factor(beam, np.array([[-1.0, 1.0, 0.0]])) == pytest.approx(0.0, abs=1e-12)
    assert polarisation_factor(beam, np.array([[1.0, 1.0, 0.0]])) == pytest.approx(1.0)


@pytest.mark.parametrize("stokes", [(0.0, 0.0, 0.0, 0.0), (1.0, 1.5, 0.0, 0.0), (np.nan, 1.0, 0.0, 0.0)])
def test_an_impossible_stokes_vector_is_warned_of(stokes):
    found = from_stokes(stokes)
    assert found.fraction is None
    assert "polarization_fraction=" in found.warning


@given(fraction=st.floats(0.5, 1.0), angle=st.floats(-1.5, 1.5))
def test_what_is_written_is_read(fraction, angle):
    beam = Beam(1.0, polarization_fraction=fraction, polarization_normal=np.array([np.sin(angle), np.cos(angle), 0.0]))
    again = from_stokes(stokes_of(beam)).of(Beam(1.0))
    directions = np.array([[0.3, 0.1, -0.9], [-0.2, 0.5, -0.8], [0.5, 0.5, -0.7]])
    np.testing.assert_allclose(polarisation_factor(again, directions), polarisation_factor(beam, directions), atol=1e-9)


def test_circular_polarisation_is_none():
    assert from_stokes((1.0, 0.0, 0.0, 1.0)).fraction == 0.5


@pytest.mark.parametrize("spelling", ["incident_polarization_stokes", "incident_polarisation_stokes"])
@pytest.mark.parametrize("shape", [(4,), (3, 4)])
@pytest.mark.parametrize("holder", ["instrument", "sample"])
def test_a_master_gives_a_stokes_vector(spelling, shape, holder):
    with h5py.File("x.h5", "w", driver="core", backing_store=False) as file:
        entry = file.create_group("entry")
        for path, kind in ((holder, f"NX{holder}"), (f"{holder}/beam", "NXbeam")):
            entry.create_group(path).attrs["NX_class"] = kind
        entry[f"{holder}/beam/{spelling}"] = np.broadcast_to([2.0, 1.6, 0.0, 0.0], shape)
        assert polarisation_in(entry).fraction == pytest.approx(0.9)


def test_a_master_without_one():
    with h5py.File("x.h5", "w", driver="core", backing_store=False) as file:
        assert polarisation_in(file.create_group("entry")).remarks == (POLARISATION_ASSUMED,)


def test_fraction_zero_is_what_headers_write_for_unknown():
    assert from_fraction(0.0).fraction is None
    assert not from_fraction(0.0).warning
