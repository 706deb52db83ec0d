from __future__ import annotations

import numpy as np
from shared_data import shared

from autoproc.formats.refl import read_refl, write_refl
from autoproc.formats.shoeboxes import HEADER, PER_PIXEL, box_sizes, pack_shoeboxes, split_shoeboxes


def two_spots():
    bbox = np.array([[3, 5, 7, 9, 0, 1], [10, 13, 4, 5, 2, 4]], np.int32)
    xyz = np.array([[3, 7, 0], [4, 8, 0], [10, 4, 2], [12, 4, 3]])
    return bbox, np.array([0, 2, 4]), xyz, np.array([9, 8, 7, 6])


def test_pixels_lie_where_they_were():
    bbox, start, xyz, counts = two_spots()
    packed = pack_shoeboxes(bbox, np.zeros(2), start, xyz, counts)
    assert [len(p) for p in packed] == [HEADER + PER_PIXEL * 4, HEADER + PER_PIXEL * 6]
    np.testing.assert_array_equal(np.frombuffer(packed[1][4:28], "<i4"), bbox[1])
    np.testing.assert_array_equal(np.frombuffer(packed[0][29:45], "<f4"), [9, 0, 0, 8])
    np.testing.assert_array_equal(np.frombuffer(packed[0][45:61], "<i4"), [5, 0, 0, 5])
    np.testing.assert_array_equal(np.frombuffer(packed[1][29:53], "<f4"), [7, 0, 0, 0, 0, 6])


def test_split_is_the_inverse():
    bbox, start, xyz, counts = two_spots()
    packed = pack_shoeboxes(bbox, np.zeros(2), start, xyz, counts)
    assert list(split_shoeboxes(b"".join(packed), bbox)) == list(packed)
    assert split_shoeboxes(b"".join(packed)[:-1], bbox) is None
    np.testing.assert_array_equal(box_sizes(bbox), [4, 6])


def test_shared_shoeboxes_come_back_byte_for_byte(tmp_path):
    table = read_refl(shared("real/phi_scan/strong.refl"))
    assert len(table["shoebox"]) == 2038
    rows = np.arange(100, 300)
    write_refl(tmp_path / "x.refl", table[rows])
    assert list(read_refl(tmp_path / "x.refl")["shoebox"]) == list(table["shoebox"][100:300])
