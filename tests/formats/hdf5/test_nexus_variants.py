"""NXmx and DECTRIS masters of many writers: the same sweep in every form comes out the same."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from nexus_files import SIZE, axis, group, write_master

from autoproc.errors import BadHeader, CorruptFile
from autoproc.formats.hdf5.nexus import read_master
from autoproc.formats.hdf5.units import UnknownUnit
from autoproc.formats.header_values import HeaderOverrides
from autoproc.geometry.detector import beam_centre_px
from autoproc.stages.import_sweep import import_sweeps

DETECTOR = "entry/instrument/detector/"
OMEGA = "entry/sample/transformations/omega"
N = 8


@pytest.fixture
def master(tmp_path):
    frames = np.random.default_rng(1).poisson(3, (N, *SIZE))
    return write_master(tmp_path / "x_master.h5", frames)


@pytest.fixture
def plain(master):
    """As a DECTRIS file writer of an early firmware writes: no transformations."""
    with h5py.File(master, "r+") as handle:
        for name in ("module", "transformations", "saturation_value"):
            del handle[DETECTOR + name]
        for name in ("transformations", "depends_on"):
            del handle["entry/sample/" + name]
        fields = {"x_pixel_size": 1e-4, "y_pixel_size": 1e-4, "detector_distance": 0.2}
        for name, value in {**fields, "beam_center_x": 30.0, "beam_center_y": 20.0}.items():
            handle[DETECTOR + name] = value
        angles = handle.create_group("entry/sample/goniometer")
        for name in ("omega", "kappa", "chi", "phi"):
            step = 0.5 * (name == "omega")
            angles[name], angles[f"{name}_end"] = step * np.arange(N), step * np.arange(1, N + 1)
            angles[f"{name}_increment"] = step
    return master


def edit(path, **values):
    """Replace or add data sets by path, with __ for /; a pair is a value and its unit."""
    with h5py.File(path, "r+") as handle:
        for name, value in values.items():
            place = name.replace("__", "/")
            number, unit = value if isinstance(value, tuple) else (value, None)
            old = dict(handle[place].attrs) if place in handle else {}
            if place in handle:
                del handle[place]
            handle[place] = number
            handle[place].attrs.update(old if unit is None else {**old, "units": unit})


def same(path, other):
    a, b = read_master(path).whole, other
    np.testing.assert_allclose(a.detector[0].origin, b.detector[0].origin, atol=1e-9)
    np.testing.assert_allclose(a.scan.oscillation, b.scan.oscillation, atol=1e-9)
    np.testing.assert_allclose(a.goniometer.lab_axis, b.goniometer.lab_axis, atol=1e-12)
    assert a.beam.wavelength == pytest.approx(b.beam.wavelength)
    assert a.detector[0].thickness == pytest.approx(b.detector[0].thickness)
    assert a.detector[0].image_size == b.detector[0].image_size


@pytest.mark.parametrize(
    "values",
    [
        {"entry__instrument__beam__incident_wavelength": (0.098, "nanometer")},
        {"entry__instrument__beam__incident_wavelength": (98.0, "pm")},
        {"entry__instrument__detector__transformations__det_z": ([200.0], "millimeters")},
        {"entry__instrument__detector__sensor_thickness": (320.0, "micrometers")},
        {"entry__sample__transformations__omega": (np.radians(10 + 0.5 * np.arange(N)), "radians")},
        {"entry__instrument__detector__module__data_size": list(SIZE[::-1])},
    ],
)
def test_other_units_and_a_size_the_other_way_round(master, values):
    before = read_master(master).whole
    edit(master, **values)
    same(master, before)
    assert not read_master(master).warnings


def test_energy_in_place_of_a_wavelength(master):
    with h5py.File(master, "r+") as handle:
        del handle["entry/instrument/beam/incident_wavelength"]
    edit(master, entry__instrument__beam__incident_energy=(12.398419843, "KeV"))
    assert read_master(master).whole.beam.wavelength == pytest.approx(1.0)


def test_wavelength_and_energy_that_disagree(master):
    edit(master, entry__instrument__beam__incident_energy=(13000.0, "eV"))
    (said,) = read_master(master).warnings
    assert "incident_wavelength says 0.98 A, but" in said
    assert "incident_energy 0.95372 A" in said
    edit(master, entry__instrument__beam__incident_energy=(12651.0, "eV"))
    assert not read_master(master).warnings


def test_an_unknown_unit_is_said(master):
    edit(master, entry__instrument__beam__incident_wavelength=(0.98, "cubit"))
    with pytest.raises(UnknownUnit, match="incident_wavelength has the unit 'cubit'.*wavelength="):
        read_master(master)
    assert read_master(master, HeaderOverrides(wavelength=0.98)).whole.beam.wavelength == 0.98
    edit(master, entry__instrument__beam__incident_wavelength=(0.98, "x" * 400))
    with pytest.raises(UnknownUnit, match="of 400 characters"):
        read_master(master)


def test_an_unknown_unit_of_what_can_be_missed(master):
    edit(master, entry__instrument__detector__sensor_thickness=(0.32, "furlongish"))
    edit(master, entry__instrument__detector__frame_time=(0.1, "jiffyish"))
    read = read_master(master)
    assert read.whole.detector[0].thickness == 0
    assert [w.split(" has")[0] for w in read.warnings] == ["sensor thickness", "frame time"]


def test_a_thickness_in_the_wrong_unit(master):
    edit(master, entry__instrument__detector__sensor_thickness=(0.32, "m"))
    (found,) = import_sweeps([master]).experiments
    assert found.experiment.detector[0].thickness == pytest.approx(0.32)
    assert "320 mm, is not possible" in " ".join(found.warnings)


def test_the_axis_that_varies_is_scanned(plain):
    before = read_master(plain).whole
    assert before.scan.oscillation == (0.0, 0.5)
    turning = {"omega": np.zeros(N), "omega_end": np.zeros(N), "omega_increment": 0.0}
    turning |= {"phi": 0.5 * np.arange(N), "phi_end": 0.5 * np.arange(1, N + 1), "phi_increment": 0.5}
    edit(plain, **{f"entry__sample__goniometer__{name}": value for name, value in turning.items()})
    same(plain, before)
    assert "turns about phi" in read_master(plain).warnings[0]


def test_a_single_start_with_an_increment(plain):
    with h5py.File(plain, "r+") as handle:
        angles = handle["entry/sample/goniometer"]
        del angles["omega"], angles["omega_end"]
        angles["omega_start"] = 15.0
    assert read_master(plain).whole.scan.oscillation == (15.0, 0.5)


def test_plain_masters_take_their_size_from_the_images(plain):
    edit(plain, entry__instrument__detector__detectorSpecific__x_pixels_in_detector=30)
    assert read_master(plain).whole.detector[0].image_size == SIZE[::-1]


def test_an_offset_that_was_never_set(master):
    with h5py.File(master, "r+") as handle:
        handle[DETECTOR + "module/module_offset"].attrs["offset"] = np.zeros(3)
    with pytest.raises(BadHeader, match="beam centre is .*beam_centre="):
        read_master(master)
    edit(master, entry__instrument__detector__beam_center_x=30.0, entry__instrument__detector__beam_center_y=20.0)
    e = read_master(master).whole
    assert beam_centre_px(e.detector, e.beam) == pytest.approx((30.0, 20.0))
    edit(master, entry__instrument__detector__beam_center_x=0.0, entry__instrument__detector__beam_center_y=0.0)
    with pytest.raises(BadHeader, match=r"beam centre is \(0, 0\)"):
        read_master(master)
    assert read_master(master, HeaderOverrides(beam_centre=(3.0, 4.0))).whole.detector[0].distance == 200


@pytest.mark.parametrize("unit", ["mm", "meter", "pixel", "pixels"])
def test_a_beam_centre_as_a_length(plain, unit):
    scale = {"mm": 0.1, "meter": 1e-4}.get(unit, 1.0)
    edit(plain, entry__instrument__detector__beam_center_x=(31.0 * scale, unit))
    e = read_master(plain).whole
    assert beam_centre_px(e.detector, e.beam) == pytest.approx((31.0, 20.0))


def test_a_chain_that_leaves_the_detector_at_the_sample(master):
    edit(master, entry__instrument__detector__transformations__det_z=([0.0], "m"))
    edit(master, entry__instrument__detector__distance=(200.0, "mm"))
    read = read_master(master)
    assert read.whole.detector[0].distance == pytest.approx(200)
    assert "its distance is used, 200 mm" in read.warnings[0]


def test_a_module_that_depends_on_nothing_hangs_on_its_detector(master):
    before = read_master(master).whole
    with h5py.File(master, "r+") as handle:
        handle[DETECTOR + "module/module_offset"].attrs["depends_on"] = "."
        handle[DETECTOR + "depends_on"] = "transformations/det_z"
    same(master, before)


@pytest.mark.parametrize("start", [".", None])
def test_a_sample_that_depends_on_nothing(master, start):
    before = read_master(master).whole
    with h5py.File(master, "r+") as handle:
        del handle["entry/sample/depends_on"]
        if start is not None:
            handle["entry/sample/depends_on"] = start
    same(master, before)


def test_transformations_without_their_type(master):
    before = read_master(master).whole
    with h5py.File(master, "r+") as handle:
        for name in (OMEGA, DETECTOR + "transformations/det_z", DETECTOR + "transformations/two_theta"):
            del handle[name].attrs["transformation_type"]
        del handle[DETECTOR + "transformations/two_theta"].attrs["units"]
    same(master, before)


def test_an_axis_that_moves_beside_the_scanned_one(master):
    with h5py.File(master, "r+") as handle:
        turns = handle["entry/sample/transformations"]
        axis(turns, "phi", 5 * 0.01 * np.arange(N), "rotation", (-1, 0, 0), "omega", "deg")
        axis(turns, "kappa", 1e-4 * np.arange(N), "rotation", (-0.6, -0.8, 0), "phi", "deg")
        del handle["entry/sample/depends_on"]
        handle["entry/sample/depends_on"] = "/entry/sample/transformations/kappa"
    read = read_master(master)
    assert read.whole.scan.oscillation == (10.0, 0.5)
    (said,) = read.warnings
    assert said.startswith("phi moved from 0 to 0.35 degrees while omega turned")


def test_a_phi_scan_of_a_kappa_goniometer(tmp_path):
    frames = np.ones((N, *SIZE))
    path = write_master(tmp_path / "y_master.h5", frames, omega=np.full(N, 30.0), kappa=True)
    edit(path, entry__sample__transformations__phi=0.2 * np.arange(N))
    e = read_master(path).whole
    assert (e.goniometer.names[e.goniometer.scan_axis], e.scan.oscillation) == ("phi", (0.0, 0.2))


def test_angles_that_fall_turn_about_the_reversed_axis(tmp_path):
    path = write_master(tmp_path / "y_master.h5", np.ones((N, *SIZE)), omega=90 - 0.5 * np.arange(N))
    e = read_master(path).whole
    assert e.scan.oscillation == (-90.0, 0.5)
    np.testing.assert_allclose(e.goniometer.lab_axis, [-1, 0, 0], atol=1e-12)


@pytest.mark.parametrize(
    ("serial", "place", "direction"),
    [
        ("E-32-0105", "detector_number", (0, 1, 0)), ("E-18-0133", "detector_number", (0, 1, 0)),
        ("E-32-0123", "detector_number", (-1, 0, 0)), ("E-32-0114", "detector_number", (-1, 0, 0)),
        ("Dectris EIGER2 Si 16M, S/N E-32-0111", "description", (-1, 0, 0)),
        ("E-32-0999", "detector_number", (1, 0, 0)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["master", "plain"])
def test_beamlines_whose_axis_no_file_writer_knows(request, form, serial, place, direction):
    path = request.getfixturevalue(form)
    edit(path, **{f"entry__instrument__detector__{place}": np.bytes_(serial)})
    read = read_master(path)
    np.testing.assert_allclose(read.whole.goniometer.lab_axis, direction, atol=1e-12)
    assert ("is assumed" in " ".join(read.warnings)) == (direction != (1, 0, 0))


def test_an_axis_that_a_file_states_otherwise_is_believed(master):
    edit(master, entry__instrument__detector__detector_number=np.bytes_("E-32-0105"))
    with h5py.File(master, "r+") as handle:
        handle[OMEGA].attrs["vector"] = (0.0, -1.0, 0.0)
    np.testing.assert_allclose(read_master(master).whole.goniometer.lab_axis, [0, -1, 0], atol=1e-12)


def test_a_beamline_by_its_name(master):
    edit(master, entry__instrument__name=np.bytes_("BioMAX"))
    np.testing.assert_allclose(read_master(master).whole.goniometer.lab_axis, [0, 1, 0], atol=1e-12)


def test_the_mask_of_a_wrong_shape_is_warned_of(master):
    edit(master, entry__instrument__detector__pixel_mask=np.zeros((7, 7), np.uint32))
    (found,) = import_sweeps([master]).experiments
    assert "has 7 x 7 values" in " ".join(found.warnings)


def test_what_is_read_and_not_used_is_named(master):
    edit(master, entry__instrument__detector__detectorSpecific__flatfield=np.ones(SIZE, np.float32))
    edit(master, entry__instrument__detector__flatfield_correction_applied=0)
    with h5py.File(master, "r+") as handle:
        axis(handle["entry/sample/transformations"], "sam_x", np.arange(N), "translation", (1, 0, 0), ".", "mm")
        group(handle["entry/instrument"], "other", "NXdetector")["x_pixel_size"] = 1e-5
    remarks = " ".join(read_master(master).whole.remarks)
    for words in (
        "the flat field, which was not applied",
        "the detector other",
        "the movement of the sample along sam_x",
    ):
        assert f"read and not used: {words}" in remarks


def test_what_would_turn_numbers_into_counts_is_named(master):
    edit(master, entry__instrument__detector__pedestal=np.full(SIZE, 90.0), entry__data__scaling_factor=0.5)
    edit(master, entry__data__offset=0.0)
    remarks = " ".join(read_master(master).whole.remarks)
    assert "read and not used: the pedestal beside the images" in remarks
    assert "read and not used: the scaling factor beside the images" in remarks
    assert "offset" not in remarks


def test_a_sensor_of_an_unknown_material_is_said(master):
    edit(master, entry__instrument__detector__sensor_material="Unobtainium")
    assert "the sensor's material is not one that is known" in " ".join(read_master(master).whole.remarks)


def test_dependencies_that_lead_up_are_followed(master):
    before = read_master(master).whole
    with h5py.File(master, "r+") as handle:
        handle[DETECTOR + "module/module_offset"].attrs["depends_on"] = "../transformations/det_z"
        del handle["entry/sample/depends_on"]
        handle["entry/sample/depends_on"] = "../sample/./transformations/omega"
    same(master, before)


def test_groups_without_a_class_are_known_by_their_usual_names(master):
    before = read_master(master).whole
    names = ["", "/instrument", "/sample", "/data", "/instrument/detector", "/instrument/beam"]
    with h5py.File(master, "r+") as handle:
        for name in [*names, "/sample/transformations", "/instrument/detector/module"]:
            del handle["entry" + name].attrs["NX_class"]
    same(master, before)


def test_other_instruments_and_entries_do_not_hide_the_usual_ones(master):
    before = read_master(master).whole
    with h5py.File(master, "r+") as handle:
        group(handle, "aaa", "NXentry")
        group(handle["entry"], "alpha", "NXinstrument")
    same(master, before)


def test_a_two_theta_given_by_its_start_is_told(plain):
    edit(plain, entry__instrument__detector__goniometer__two_theta_start=15.0)
    assert "2theta = 15 degrees" in " ".join(read_master(plain).warnings)


def test_a_place_that_contradicts_the_transformations_is_said(master):
    agreed = read_master(master).whole
    assert "is not that of its transformations" not in " ".join(agreed.remarks)
    place = "entry__instrument__detector__"
    x, y = beam_centre_px(agreed.detector, agreed.beam)
    twice = agreed.detector[0].distance * 2e-3
    edit(master, **{place + "distance": (twice, "m"), place + "beam_center_x": x + 9, place + "beam_center_y": y})
    found = read_master(master).whole
    remarks = " ".join(found.remarks)
    assert f"the detector's distance, {twice * 1e3:.4g} mm, is not that of its transformations" in remarks
    assert f"the detector's beam centre, ({x + 9:.1f}, {y:.1f}) px, is not that of its transformations" in remarks
    assert found.detector[0].distance == agreed.detector[0].distance


def test_numbers_as_text_are_numbers_and_other_text_is_named_in_plain_words(master):
    before = read_master(master).whole
    edit(master, **{OMEGA.replace("/", "__"): np.array([b"%g" % x for x in 10 + 0.5 * np.arange(N)])})
    same(master, before)
    edit(master, **{OMEGA.replace("/", "__"): np.array([b"ten"] * N)})
    with pytest.raises(CorruptFile, match=r"transformations/omega is 'ten', not numbers") as caught:
        read_master(master)
    assert "np." not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "stop", "words"), [("det_z", 0.25, "from 200 to 250 mm"), ("two_theta", 20.0, "20 degr")]
)
def test_a_detector_that_moves_is_told(master, name, stop, words):
    with h5py.File(master, "r+") as handle:
        chain = handle[DETECTOR + "transformations"]
        said = dict(chain[name].attrs)
        values = np.linspace(chain[name][0], stop, N)
        del chain[name]
        chain[name] = values
        chain[name].attrs.update(said)
    remarks = " ".join(read_master(master).whole.remarks)
    assert f"the movement of the detector's {name} from" in remarks
    assert words in remarks


def test_a_detector_whose_encoder_alone_is_noisy_stands_still(master):
    with h5py.File(master, "r+") as handle:
        chain = handle[DETECTOR + "transformations"]
        said = dict(chain["det_z"].attrs)
        del chain["det_z"]
        chain["det_z"] = 0.2 + 1e-6 * np.random.default_rng(1).random(N)
        chain["det_z"].attrs.update(said)
    assert "movement" not in " ".join(read_master(master).whole.remarks)


@pytest.mark.parametrize("vector", [(0.0, 0.0, 0.0), (np.nan, 0.0, 1.0)])
def test_an_axis_without_a_direction_is_refused(master, vector):
    with h5py.File(master, "r+") as handle:
        handle[OMEGA].attrs["vector"] = vector
    with pytest.raises(CorruptFile, match="turns about an axis without a direction"):
        read_master(master)


def test_wavelengths_that_differ_from_image_to_image_are_warned_of(master):
    edit(master, entry__instrument__beam__incident_wavelength=np.linspace(0.9, 1.1, N))
    read = read_master(master)
    assert read.whole.beam.wavelength == pytest.approx(1.0)
    assert "has values from 0.9 to 1.1 A: the one in the middle is used" in " ".join(read.warnings)


@pytest.mark.parametrize("applied", [0, 1])
def test_a_flat_field_that_nxmx_calls_not_applied_is_named(master, applied):
    edit(master, entry__instrument__detector__flatfield=np.ones(SIZE, np.float32))
    edit(master, entry__instrument__detector__flatfield_applied=applied)
    remarks = " ".join(read_master(master).whole.remarks)
    assert ("the flat field, which was not applied" in remarks) == (not applied)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("data__data_offset", 3.0, "data offset beside"), ("data__data_scaling_factor", 2.0, "data scaling factor"),
        ("data__offset", [1, 2], "offset beside"), ("instrument__detector__data_offset", 1, "data offset beside"),
        ("data__data_offset", 0.0, ""), ("data__data_scaling_factor", 1.0, ""), ("data__scale", 1, ""),
    ],
)  # fmt: skip
def test_what_scales_and_shifts_the_images_is_named_however_it_is_spelt(master, name, value, said):
    edit(master, **{f"entry__{name}": value})
    remarks = " ".join(read_master(master).whole.remarks)
    assert ("their numbers are taken as counts" in remarks) == bool(said)
    assert said in remarks


@pytest.mark.parametrize(
    ("name", "value", "is_said"),
    [("offset", 3.0, True), ("scaling_factor", 0.5, True), ("add_offset", 1, True), ("scale_factor", 1.0, False),
     ("offset", np.zeros(3), False), ("offset", "none", False)],
)  # fmt: skip
def test_attributes_of_the_images_that_scale_or_shift_them_are_named(master, name, value, is_said):
    with h5py.File(master, "r+") as handle:
        handle["entry/data/data"].attrs[name] = value
    remarks = " ".join(read_master(master).whole.remarks)
    assert (f"the attribute {name} of the images" in remarks) == is_said


@pytest.mark.parametrize("other", ["a_sample", "sample_2"])
def test_another_sample_is_named_and_the_one_that_turned_is_taken(master, other):
    before = read_master(master).whole
    with h5py.File(master, "r+") as handle:
        group(handle["entry"], other, "NXsample")["depends_on"] = "."
    same(master, before)
    assert f"read and not used: the sample {other}" in read_master(master).whole.remarks
    with h5py.File(master, "r+") as handle:
        entry = handle["entry"]
        del entry["sample/depends_on"]
        entry.move("sample/transformations", f"{other}/transformations")
        del entry[f"{other}/depends_on"]
        entry[f"{other}/depends_on"] = f"/entry/{other}/transformations/omega"
    same(master, before)
    assert "read and not used: the sample sample" in read_master(master).whole.remarks


def test_pixels_of_another_size_than_the_modules_are_said(master):
    place = "entry__instrument__detector__"
    edit(master, **{place + "x_pixel_size": (1e-4, "m"), place + "y_pixel_size": (100.0, "um")})
    assert "x_pixel_size" not in " ".join(read_master(master).whole.remarks)
    edit(master, **{place + "x_pixel_size": (7.5e-5, "m")})
    found = read_master(master).whole
    assert "x_pixel_size and y_pixel_size, 0.075 x 0.1 mm, are not its module's, 0.1 x 0.1 mm" in " ".join(
        found.remarks
    )
    assert found.detector[0].pixel_size == pytest.approx((0.1, 0.1))
    given = read_master(master, HeaderOverrides(pixel_size=(0.075, 0.075))).whole
    assert "x_pixel_size" not in " ".join(given.remarks)
