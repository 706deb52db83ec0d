"""XDS.INP says what the experiment is, to XDS and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models_for_tests import crystal, experiment, rotation

from autoproc.errors import BadHeader, CorruptFile
from autoproc.formats.observed.xds_inp import is_xds_geometry, read_xds_inp, write_xds_inp, xds_inp_lines
from autoproc.geometry.detector import px_from_s1
from autoproc.geometry.reciprocal import predict_near
from autoproc.models.experiment import Beam, Detector, Experiment, Goniometer, ImageSet, Scan


def tilted(seed: int = 3, axis=(1.0, 0.0, 0.0)) -> Experiment:
    """A detector tilted by a few degrees and swung out, a beam that is not quite along z, a goniometer of two axes."""
    rng = np.random.default_rng(seed)
    made = experiment()
    small = np.linalg.qr(np.eye(3) + 0.1 * rng.normal(size=(3, 3)))[0]
    small = small * np.sign(np.diag(small))
    small = small if np.linalg.det(small) > 0 else -small
    panel = made.detector[0]
    panel = replace(
        panel, fast_axis=small @ panel.fast_axis, slow_axis=small @ panel.slow_axis, origin=small @ panel.origin
    )
    axis = np.array(axis) + 0.02 * rng.normal(size=3)
    return replace(
        made,
        detector=Detector((panel,)),
        beam=Beam(0.9763, np.array([0.003, -0.002, 1.0]) / np.linalg.norm([0.003, -0.002, 1.0])),
        goniometer=Goniometer(axis=axis / np.linalg.norm(axis), fixed=rotation(1), setting=rotation(2)),
        scan=Scan((11, 50), (30.0, 0.5), excluded=(13, 14, 20)),
    )


def positions(made: Experiment) -> np.ndarray:
    """(N, 3) where some reflections are predicted, px, px, radians."""
    hkl = np.stack(np.meshgrid(*[np.arange(-6, 7)] * 3), axis=-1).reshape(-1, 3)
    return predict_near(made, made.crystal.A, hkl, np.full(len(hkl), np.radians(40.0)))


@given(seed=st.integers(0, 2**31), swapped=st.booleans())
@settings(max_examples=25, deadline=None)
def test_what_is_read_predicts_what_was_written(tmp_path_factory, seed, swapped):
    path = tmp_path_factory.mktemp("xds") / "XDS.INP"
    made = tilted(seed, (0.0, 1.0, 0.0) if swapped else (1.0, 0.0, 0.0))
    write_xds_inp(path, made)
    read = read_xds_inp(path)
    before, after = positions(made), positions(read)
    np.testing.assert_array_equal(np.isnan(before), np.isnan(after))
    np.testing.assert_allclose(after, before, atol=0.01)
    assert read.scan.image_range == made.scan.image_range
    assert read.scan.oscillation == pytest.approx(made.scan.oscillation)
    assert read.scan.excluded == made.scan.excluded
    panel, wanted = read.detector[0], made.detector[0]
    for name in ("pixel_size", "image_size", "mask", "thickness", "mu", "min_trusted", "material"):
        assert getattr(panel, name) == getattr(wanted, name), name
    assert panel.trusted_range[1] == wanted.trusted_range[1]
    assert read.crystal.space_group.number == 96
    assert read.imageset.template == made.imageset.template
    assert read.beam.polarization_fraction == pytest.approx(made.beam.polarization_fraction)
    fraction = abs(read.beam.polarization_normal @ read.goniometer.lab_axis)
    normal = made.beam.polarization_normal
    assert fraction == pytest.approx(abs(normal @ made.goniometer.lab_axis), abs=1e-6)


def test_the_frame_is_ours():
    """X along the axis of rotation, Z against the beam as nearly as may be, as the models have it."""
    made = experiment()
    assert "ROTATION_AXIS= 1.00000000 0.00000000 0.00000000" in list(xds_inp_lines(made))


def test_pixels_are_counted_from_one():
    """The first pixel's centre is 1.0: a beam through it has ORGX 1, and what is masked lies between the numbers."""
    made = experiment()
    panel = replace(made.detector[0], origin=np.array([-0.086, 0.086, -100.0]), mask=((0, 195, 487, 212),))
    lines = list(xds_inp_lines(replace(made, detector=Detector((panel,)))))
    assert "ORGX= 1.0000 ORGY= 1.0000" in lines
    assert "UNTRUSTED_RECTANGLE= 0 488 195 213" in lines
    np.testing.assert_allclose(px_from_s1(replace(panel, thickness=0.0), made.beam.s0), [0.5, 0.5])


def test_image_0_is_left_out(tmp_path):
    made = experiment()
    made = replace(made, scan=Scan((0, 39), (10.0, 0.5)))
    write_xds_inp(tmp_path / "XDS.INP", made)
    read = read_xds_inp(tmp_path / "XDS.INP")
    assert (read.scan.image_range, read.scan.oscillation) == ((1, 39), (10.5, 0.5))


def test_hdf5_images(tmp_path):
    made = replace(experiment(), imageset=ImageSet("hdf5", "/data/a_master.h5", tuple(range(40))))
    write_xds_inp(tmp_path / "XDS.INP", made)
    text = (tmp_path / "XDS.INP").read_text()
    assert "/data/a_??????.h5" in text
    assert "DETECTOR= EIGER" in text
    assert "LIB=" in text
    read = read_xds_inp(tmp_path / "XDS.INP").imageset
    assert (read.kind, read.template, read.indices) == ("hdf5", "/data/a_master.h5", tuple(range(40)))


INP = """! written by a beamline
JOB= ALL ! XYCORR
 DETECTOR=PILATUS  MINIMUM_VALID_PIXEL_VALUE=0  OVERLOAD= 1048500
 SENSOR_THICKNESS=0.32
 NX=487 NY=619  QX=0.172  QY=0.172  ! pixels
 ORGX=244.5 ORGY=310.5 DETECTOR_DISTANCE= 150.0
 X-RAY_WAVELENGTH=0.97625
 OSCILLATION_RANGE=0.5   STARTING_ANGLE= 10.0
 ROTATION_AXIS= 0 -1 0
 NAME_TEMPLATE_OF_DATA_FRAMES=../images/a=b_????.cbf
 DATA_RANGE=5 44  !BACKGROUND_RANGE=1 10
 UNTRUSTED_RECTANGLE= 100 110 200 220
 !UNTRUSTED_RECTANGLE= 1 2 3 4
 INCLUDE_RESOLUTION_RANGE= 50 0
"""


def test_as_a_beamline_writes_it(tmp_path):
    (tmp_path / "process").mkdir()
    (tmp_path / "process" / "XDS.INP").write_text(INP)
    read = read_xds_inp(tmp_path / "process" / "XDS.INP")
    panel = read.detector[0]
    assert panel.distance == pytest.approx(150)
    assert panel.mask == ((100, 200, 109, 219),)
    assert panel.material == "Si"
    assert 3.6 < panel.mu < 4.1  # silicon at 12.7 keV
    assert read.scan.oscillation == (10.0, 0.5)
    assert read.scan.image_range == (5, 44)
    assert read.beam.polarization_fraction == 0.5
    np.testing.assert_allclose(read.goniometer.axis, [1, 0, 0], atol=1e-12)
    assert read.imageset.path(7).name == "a=b_0007.cbf"
    assert read.imageset.path(7).parent.name == "images"
    assert read.crystal is None


def xparm(made: Experiment) -> str:
    panel, scan, beam = made.detector[0], made.scan, made.beam
    turn = np.diag([1.0, -1.0, -1.0])
    cell = " ".join(f"{x:.4f}" for x in made.crystal.cell)
    rows = [
        [scan.image_range[0], *scan.oscillation, *(turn @ made.goniometer.lab_axis)],
        [beam.wavelength, *(turn @ beam.s0)],
        [made.crystal.space_group.number, *map(float, cell.split())],
        *(made.crystal.real_space @ turn.T),
        [1, *panel.image_size, *panel.pixel_size],
        [*(0.5 - (turn @ panel.origin)[:2] / 0.172), (turn @ panel.origin)[2]],
        *np.eye(3),
        [1, 1, panel.image_size[0], 1, panel.image_size[1]],
        [0, 0, 0, 1, 0, 0, 0, 1, 0],
    ]
    lines = [" ".join(f"{x:.6f}" if isinstance(x, float) else str(x) for x in row) for row in rows]
    return "\n".join([" XPARM.XDS    VERSION Jan 10, 2022  BUILT=20220120", *lines]) + "\n"


def test_xparm_with_its_crystal(tmp_path):
    made = replace(experiment(crystal()), scan=Scan((1, 40), (10.0, 0.5)))
    (tmp_path / "GXPARM.XDS").write_text(xparm(made))
    read = read_xds_inp(tmp_path / "GXPARM.XDS")
    np.testing.assert_allclose(read.crystal.A, made.crystal.A, atol=1e-6)
    np.testing.assert_allclose(read.detector[0].origin, made.detector[0].origin, atol=1e-4)
    assert read.imageset is None
    (tmp_path / "XDS.INP").write_text(INP)
    read = read_xds_inp(tmp_path / "GXPARM.XDS")
    assert read.scan.image_range == (5, 44)
    assert read.scan.oscillation == pytest.approx((12.0, 0.5))
    assert read.detector[0].mask == ((100, 200, 109, 219),)


@pytest.mark.parametrize(
    ("before", "after", "error"),
    [
        ("QX=0.172", "QX=0", CorruptFile),
        ("NX=487", "NX=x", BadHeader),
        ("ORGX=244.5", "", BadHeader),
        ("ROTATION_AXIS= 0 -1 0", "ROTATION_AXIS= 0 0 0", BadHeader),
        ("DATA_RANGE=5 44", "DATA_RANGE=44 5", CorruptFile),
        ("DATA_RANGE=5 44", "DATA_RANGE=1 99999999999", CorruptFile),
        ("DETECTOR_DISTANCE= 150.0", "DETECTOR_DISTANCE= 0", CorruptFile),
        ("X-RAY_WAVELENGTH=0.97625", "X-RAY_WAVELENGTH=97625", CorruptFile),
        ("JOB= ALL", "EXCLUDE_DATA_RANGE= a b", BadHeader),
    ],
)
def test_damage_is_named(tmp_path, before, after, error):
    (tmp_path / "XDS.INP").write_text(INP.replace(before, after))
    with pytest.raises(error, match=r"XDS\.INP"):
        read_xds_inp(tmp_path / "XDS.INP")


def test_known_by_content():
    assert is_xds_geometry(INP.encode())
    assert is_xds_geometry(b" XPARM.XDS    VERSION")
    assert not is_xds_geometry(
        b"!FORMAT=XDS_ASCII\n!ORGX= 3 ORGY= 4\n!NAME_TEMPLATE_OF_DATA_FRAMES=x\n!DATA_RANGE= 1 2"
    )
    assert not is_xds_geometry(b"ORGX= DATA_RANGE= \0")
    assert not is_xds_geometry(b"###CBF: VERSION 1.5")
