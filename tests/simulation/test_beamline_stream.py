"""Messages of a simulated stream say what the sweep's files say."""

import pytest

pytest.importorskip("cbor2")

import cbor2
import numpy as np
from simulated import simulated_sweep

from autoproc.formats.hdf5.open_hdf5 import open_hdf5
from autoproc.formats.registry import read_experiment
from autoproc.simulation.beamline import Collection
from autoproc.simulation.beamline_stream import CHANNEL, Streaming, stored_frame, stream

N = 6


@pytest.fixture(scope="module")
def master(tmp_path_factory):
    return simulated_sweep(tmp_path_factory, "nxmx", n_images=N).start


def sent(master, rate=0.0, **streaming):
    messages = []
    steps = stream(
        master, lambda content: messages.append(cbor2.loads(content)), Collection(rate), Streaming(**streaming)
    )
    pauses = list(steps)
    return messages, pauses


def test_a_series_has_a_start_its_images_and_an_end(master):
    messages, pauses = sent(master, 4.0)
    assert [message["type"] for message in messages] == ["start", *["image"] * N, "end"]
    assert [message["image_id"] for message in messages[1:-1]] == list(range(N))
    assert {(message["series_id"], message["series_unique_id"]) for message in messages} == {(1, "01SIMULATED")}
    assert pauses == [0.0, *[0.25] * N]


def test_the_start_says_what_the_master_says(master):
    start = sent(master, added={"user_data": {"sample": "x"}})[0][0]
    experiment = read_experiment(master)
    panel = experiment.detector[0]
    assert start["number_of_images"] == N
    assert start["incident_wavelength"] == experiment.beam.wavelength
    assert start["goniometer"]["omega"] == dict(zip(("start", "increment"), experiment.scan.oscillation, strict=True))
    assert abs(start["detector_translation"][2]) == pytest.approx(panel.distance / 1000)
    assert start["beam_center_x"] * panel.pixel_size[0] == pytest.approx(-panel.origin[0])
    assert start["user_data"] == {"sample": "x"}


def test_pixels_are_those_of_the_files(master):
    messages, _ = sent(master, compression="none")
    with open_hdf5(master) as handle:
        for n, message in enumerate(messages[1:-1]):
            (slow, fast), typed = message["data"][CHANNEL].value
            values = np.frombuffer(typed.value, {69: "<u2", 70: "<u4"}[typed.tag]).reshape(slow, fast)
            np.testing.assert_array_equal(values, stored_frame(handle, n))


def test_images_are_lost_and_repeated_as_asked(master):
    messages, _ = sent(master, lost=[1, 2], repeated=[4], has_start=False, has_end=False)
    assert [message["image_id"] for message in messages] == [0, 3, 4, 4, 5]
