"""Facts of the start message are where the program reads them, each checked by itself."""

import pytest

pytest.importorskip("cbor2")

import cbor2
import numpy as np
from streamed import FACTS, Recording, end, image, start

from autoproc.formats.hdf5.nexus import read_master
from autoproc.formats.registry import open_reader
from autoproc.recording.messages import parse_message
from autoproc.recording.start_facts import facts_of
from autoproc.simulation.beamline_stream import array


def facts(**changes):
    return facts_of(parse_message(start(**changes)))


def master(tmp_path, **changes):
    recording = Recording(tmp_path / "s").take(start(**changes), *(image(n) for n in range(4)), end())
    return read_master(recording.folder / "series_1_master.h5")


def test_facts_are_read_back(tmp_path):
    found = master(tmp_path)
    experiment = found.whole
    panel = experiment.detector[0]
    assert found.warnings == ()
    assert experiment.beam.wavelength == 0.9795
    assert experiment.scan.oscillation == (10.0, 0.5)
    np.testing.assert_allclose(experiment.scan.exposure_times, 0.01)
    np.testing.assert_allclose(panel.origin, [-12.5 * 0.075, 8.25 * 0.075, -180.0])
    np.testing.assert_allclose(panel.pixel_size, 0.075)
    assert panel.trusted_range[1] == 33000
    assert (panel.material, panel.thickness) == ("Si", pytest.approx(0.45))
    assert panel.image_size == (30, 20)


def test_the_distance_may_be_counted_along_the_beam_or_against_it(tmp_path):
    assert master(tmp_path, detector_translation=[0, 0, 0.2]).whole.detector[0].distance == pytest.approx(200)


def test_energy_where_there_is_no_wavelength():
    assert facts(incident_wavelength=None, incident_energy=12398.419843).wavelength == pytest.approx(1.0)


def test_the_mask_of_the_processed_channel_is_used(tmp_path):
    mask = np.zeros((20, 30), np.uint32)
    mask[5, 7] = 1
    experiment = master(tmp_path, pixel_mask={"threshold_1": array(mask, "lz4")}).whole
    assert np.argwhere(~open_reader(experiment).mask).tolist() == [[5, 7]]


def test_the_axis_that_turns_is_the_scan(tmp_path):
    axes = {"omega": {"start": 90.0, "increment": 0.0}, "phi": {"start": 1.0, "increment": 0.2}}
    found = master(tmp_path, goniometer=axes)
    assert found.whole.scan.oscillation == pytest.approx((1.0, 0.2))
    assert any("turns about phi" in warning for warning in found.warnings)


def test_a_swung_detector_is_told_of(tmp_path):
    axes = FACTS["goniometer"] | {"two_theta": {"start": 15.0, "increment": 0.0}}
    assert any("2theta = 15" in warning for warning in master(tmp_path, goniometer=axes).warnings)


def test_corrections_that_were_not_made_are_said(tmp_path):
    found = master(tmp_path, flatfield_enabled=False, countrate_correction_enabled=True)
    assert found.whole.scan.n_images == 4
    assert facts(flatfield_enabled=False).applied == {"flatfield_applied": False}


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"beam_center_x": "left"}, "beam_center_x is not a number: it is not used"),
        ({"incident_wavelength": [1]}, "incident_wavelength is not a number: it is not used"),
        ({"incident_wavelength": float("nan")}, "incident_wavelength is not a number: it is not used"),
        ({"number_of_images": 2**40}, "number_of_images is 1099511627776, more than can be: it is not used"),
        ({"number_of_images": 2**60}, "number_of_images is not a number: it is not used"),
        ({"goniometer": 3}, "goniometer is not a table: it is not used"),
        (
            {"pixel_mask": {"threshold_1": b""}},
            "the pixel mask is no array of two dimensions: no pixels are masked by it",
        ),
        ({"channels": "all"}, "channels is not a list: it is not used"),
    ],
)
def test_a_wrong_fact_costs_only_itself(changes, warning):
    found = facts(**changes)
    assert found.warnings == (warning,)
    assert found.distance == -0.18


def test_every_fact_may_be_absent(tmp_path):
    bare = cbor2.dumps({"type": "start", "series_id": 1, "series_unique_id": "01SIMULATED"})
    recording = Recording(tmp_path / "s").take(bare, image(0), image(1), end()).wait(6)
    assert recording.complaints == []
    assert recording.names() == ["series_1_data_000001.h5", "series_1_master.h5"]


def test_texts_that_hdf5_cannot_hold(tmp_path):
    assert master(tmp_path, detector_description="a\0b\ud800".encode("utf-8", "surrogatepass").decode(errors="replace"))
