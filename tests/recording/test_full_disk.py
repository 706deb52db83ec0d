"""A full disk costs time, and no image that has come."""

import errno

import numpy as np
import pytest

pytest.importorskip("cbor2")

from small_disk import fill, mounted, require_own_mounts
from streamed import Recording, as_read, end, image, pixels, start

from autoproc.recording import recorder as module
from autoproc.recording.recorder import DiskFull

SHAPE = (200, 300)
N = 12


@pytest.fixture(scope="module")
def own_mounts():
    require_own_mounts()


@pytest.fixture
def small_disk(tmp_path, own_mounts):
    with mounted(tmp_path / "disk", "8m") as folder:
        yield folder


def sent(n):
    return image(n, pixels(n, shape=SHAPE), "none")


@pytest.mark.parametrize("reserve", [1 << 20, -(1 << 40)], ids=["seen before", "found in writing"])
def test_images_wait_for_room(small_disk, monkeypatch, reserve):
    monkeypatch.setattr(module, "RESERVE", reserve)
    recording = Recording(small_disk / "s")
    messages = [start(number_of_images=N), *(sent(n) for n in range(N)), end()]
    recording.take(*messages[:4])
    filler = fill(small_disk)
    for message in messages[4:-1]:
        for _ in range(3):
            with pytest.raises(DiskFull):
                recording.recorder.take(message)
            recording.wait(0.2)
        filler.unlink()
        recording.take(message)
        filler = fill(small_disk)
    filler.unlink()
    recording.take(messages[-1])
    assert recording.complaints == []
    assert recording.said[-1] == f"series_1: {N} of {N} images recorded"
    for n, frame in enumerate(recording.frames()):
        np.testing.assert_array_equal(frame, as_read(pixels(n, shape=SHAPE)))


def test_the_first_file_waits_too(small_disk, monkeypatch):
    monkeypatch.setattr(module, "RESERVE", -(1 << 40))
    recording = Recording(small_disk / "s")
    recording.take(start())
    filler = fill(small_disk)
    with pytest.raises(DiskFull):
        recording.recorder.take(sent(0))
    filler.unlink()
    recording.take(sent(0), sent(1), sent(2), sent(3), end())
    assert recording.complaints == []
    assert len(recording.frames()) == 4


def test_a_master_that_found_no_room_is_written_when_its_image_comes_again(tmp_path, monkeypatch):
    """Of a series of one image there is no other occasion."""
    recording = Recording(tmp_path / "s")
    recording.take(start(number_of_images=1))
    with monkeypatch.context() as full:
        full.setattr("autoproc.recording.series.write_master", no_room)
        with pytest.raises(DiskFull):
            recording.recorder.take(sent(0))
    recording.take(sent(0), end())
    assert recording.complaints == []
    np.testing.assert_array_equal(recording.frames()[0], as_read(pixels(0, shape=SHAPE)))


def no_room(*_):
    raise OSError(errno.ENOSPC, "No space left on device")
