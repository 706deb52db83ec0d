from __future__ import annotations

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest
from cbf_files import write_image
from hypothesis import given
from hypothesis import strategies as st
from models_for_tests import experiment
from nexus_files import SIZE, write_master

from autoproc.errors import CorruptFile
from autoproc.formats.dials.expt import read_expt, write_expt
from autoproc.formats.hdf5.nexus_polarisation import polarisation_in
from autoproc.formats.images.polarisation import POLARISATION_ASSUMED, from_fraction, from_ratio, from_stokes, stokes_of
from autoproc.formats.registry import read_experiment, read_image_models
from autoproc.geometry.corrections import polarisation_factor
from autoproc.models.experiment import Beam

ALONG_X, ALONG_Y = np.array([[1.0, 0.0, 0.0]]), np.array([[0.0, 1.0, 0.0]])


@pytest.mark.parametrize(("text", "fraction"), [("0.990", 0.99), ("0.500", 0.5), ("1", 1.0), ("0.000", 0.999)])
def test_a_minicbf_says_the_fraction(tmp_path, text, fraction):
    found = read_image_models(write_image(tmp_path / "x_0001.cbf", {"Polarization": text}))
    assert found.beam.polarization_fraction == fraction
    np.testing.assert_array_equal(found.beam.polarization_normal, [0, 1, 0])
    assert (POLARISATION_ASSUMED in found.remarks) == (text == "0.000")


def test_a_header_without_it_says_what_is_assumed(tmp_path):
    found = read_image_models(write_image(tmp_path / "x_0001.cbf", {"Polarization": None}))
    assert found.beam.polarization_fraction == 0.999
    assert found.remarks == (POLARISATION_ASSUMED,)


@pytest.mark.parametrize("text", ["1.8", "-0.9", "0.2"])
def test_an_impossible_fraction_is_warned_of(tmp_path, text):
    found = read_image_models(write_image(tmp_path / "x_0001.cbf", {"Polarization": text}))
    assert found.beam.polarization_fraction == 0.999
    assert [w for w in found.warnings if text in w and "polarization_fraction=" in w]


def test_a_flat_field_is_named(tmp_path):
    plain = read_image_models(write_image(tmp_path / "x_0001.cbf", {"Flat_field:": "(nil)"}))
    named = read_image_models(write_image(tmp_path / "x_0002.cbf", {"Flat_field:": "FF_p3_E12398_T6199.tif"}))
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


def at_pixel(one, fast, slow):
    """The polarisation factor at a pixel of the detector, for the conventions of a whole file together."""
    panel = one.detector[0]
    s1 = panel.origin + fast * panel.pixel_size[0] * panel.fast_axis + slow * panel.pixel_size[1] * panel.slow_axis
    return float(polarisation_factor(one.beam, s1))


def dark_fast(one):
    """Whether the field lies along the rows of the detector: less is scattered that way from the beam."""
    panel = one.detector[0]
    fast, slow = (-panel.origin @ axis / panel.pixel_size[0] for axis in (panel.fast_axis, panel.slow_axis))
    return at_pixel(one, fast + 200, slow) < at_pixel(one, fast, slow + 200) - 1e-3


@pytest.mark.parametrize(("stokes", "rows"), [((1.0, 0.98, 0.0, 0.0), True), ((1.0, -0.98, 0.0, 0.0), False)])
def test_stokes_vectors_and_the_detector_of_a_master_share_their_frame(tmp_path, stokes, rows):
    path = write_master(tmp_path / "x_master.h5", np.ones((2, *SIZE)))
    with h5py.File(path, "r+") as file:
        file["entry/instrument/beam/incident_polarization_stokes"] = stokes
    found = read_experiment(path)
    assert found.beam.polarization_fraction == pytest.approx(0.99)
    assert dark_fast(found) == rows


@pytest.mark.parametrize(("normal", "rows"), [((0.0, 1.0, 0.0), True), ((2.0, 0.0, 0.0), False)])
def test_a_dials_file_gives_fraction_and_normal(tmp_path, normal, rows):
    one = experiment()
    beam = replace(one.beam, polarization_fraction=0.97, polarization_normal=np.array(normal))
    write_expt(tmp_path / "x.expt", [replace(one, beam=beam)])
    found = read_expt(tmp_path / "x.expt")[0]
    assert found.beam.polarization_fraction == 0.97
    assert dark_fast(found) == rows


@pytest.mark.parametrize("change", [{"polarization_fraction": 1.5}, {"polarization_normal": [0, 0, 0]}])
def test_an_impossible_polarisation_in_a_dials_file_is_refused(tmp_path, change):
    write_expt(tmp_path / "x.expt", [experiment()])
    content = json.loads((tmp_path / "x.expt").read_text())
    content["beam"][0].update(change)
    (tmp_path / "x.expt").write_text(json.dumps(content))
    with pytest.raises(CorruptFile, match="polarization"):
        read_expt(tmp_path / "x.expt")


@pytest.mark.parametrize(("other", "n_warnings"), [((1, 0.8, 0, 0), 0), ((1, 0, 0, 0), 1), ((1, -0.8, 0, 0), 1)])
def test_two_beams_of_a_master_that_differ_are_warned_of(other, n_warnings):
    with h5py.File("x.h5", "w", driver="core", backing_store=False) as file:
        entry = file.create_group("entry")
        for holder, stokes in (("instrument", (1, 0.8, 0, 0)), ("sample", other)):
            for path, kind in ((holder, f"NX{holder}"), (f"{holder}/beam", "NXbeam")):
                entry.create_group(path).attrs["NX_class"] = kind
            entry[f"{holder}/beam/incident_polarization_stokes"] = np.array(stokes, float)
        found = polarisation_in(entry)
    assert found.fraction == pytest.approx(0.9)
    assert found.warning.count("/entry/sample/beam/") == n_warnings
