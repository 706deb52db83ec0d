from __future__ import annotations

import numpy as np
import pytest

from autoproc.errors import CorruptFile
from autoproc.formats.images.damaged_frames import ForgivingReader, TooManyDamagedImages


class Frames:
    n_frames, shape, min_trusted, max_trusted = 40, (2, 3), -5, 9.0
    mask = np.ones((2, 3), bool)

    def __init__(self, *damaged):
        self.damaged = damaged

    def read(self, frame):
        if frame in self.damaged:
            raise CorruptFile(path=self.path(frame), reason="it is truncated")
        return np.full(self.shape, frame, np.int32)

    def path(self, frame):
        return f"x_{frame + 101}.cbf"

    def remarks(self, first_image):
        return []


def read_all(reader):
    return [reader.read(frame) for frame in range(reader.n_frames)]


def test_damaged_frames_are_wholly_untrusted():
    reader = ForgivingReader(Frames(7, 20), 0.05)
    frames = read_all(reader)
    assert [f for f, image in enumerate(frames) if (image < reader.min_trusted).all()] == [7, 20]
    assert all((image == f).all() for f, image in enumerate(frames) if f not in (7, 20))
    assert reader.warnings(101) == [
        "image 108 left out: x_108.cbf is damaged: it is truncated",
        "image 121 left out: x_121.cbf is damaged: it is truncated",
    ]
    read_all(reader)
    assert len(reader.damaged) == 2


def test_good_frames_need_no_warning():
    reader = ForgivingReader(Frames(), 0.05)
    read_all(reader)
    assert reader.warnings(1) == []
    assert (reader.n_frames, reader.shape, reader.max_trusted, reader.path(3)) == (40, (2, 3), 9.0, "x_104.cbf")
    assert reader.mask.all()


def test_too_many_are_an_error():
    with pytest.raises(TooManyDamagedImages, match=r"3 of the first 21 images.*x_102.cbf is damaged.*image_range"):
        read_all(ForgivingReader(Frames(1, 7, 20), 0.05))


def test_where_none_is_forgiven_the_error_is_that_of_the_image():
    with pytest.raises(CorruptFile, match="x_108.cbf"):
        read_all(ForgivingReader(Frames(7), 0.0))


def test_long_lists_are_summed_up():
    reader = ForgivingReader(Frames(*range(0, 14, 2)), 0.5)
    read_all(reader)
    *first, last = reader.warnings(1)
    assert len(first) == 5
    assert last == "2 more images that cannot be read were left out: 11, 13"
