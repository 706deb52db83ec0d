from __future__ import annotations

import tracemalloc

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared_data import shared

from autoproc.formats.dials import refl, shoeboxes
from autoproc.formats.dials.refl import read_refl, write_refl
from autoproc.formats.dials.shoeboxes import (
    HEADER,
    PER_PIXEL,
    box_sizes,
    packed_length,
    packed_shoeboxes,
    split_shoeboxes,
    unpacked_shoeboxes,
)
from autoproc.models.reflections import Reflections


def two_spots():
    bbox = np.array([[3, 5, 7, 9, 0, 1], [10, 13, 4, 5, 2, 4]], np.int32)
    pixels = np.array([[3, 4, 10, 12], [7, 8, 4, 4], [0, 0, 2, 3], [9, 8, 7, 6]], np.int32)
    return bbox, unpacked_shoeboxes(bbox, np.array([0, 2, 4]), pixels)


def packed(boxes, bbox, panel=None):
    panel = np.zeros(len(bbox), np.int32) if panel is None else panel
    pieces = split_shoeboxes(b"".join(packed_shoeboxes(boxes, bbox, panel)), bbox)
    assert sum(map(len, pieces)) == packed_length(boxes, bbox)
    return pieces


def test_pixels_lie_where_they_were():
    bbox, boxes = two_spots()
    bytes_of = packed(boxes, bbox, np.array([0, 3], np.int32))
    assert [len(p) for p in bytes_of] == [HEADER + PER_PIXEL * 4, HEADER + PER_PIXEL * 6]
    assert np.frombuffer(bytes_of[1][:4], "<u4") == 3
    np.testing.assert_array_equal(np.frombuffer(bytes_of[1][4:28], "<i4"), bbox[1])
    np.testing.assert_array_equal(np.frombuffer(bytes_of[0][29:45], "<f4"), [9, 0, 0, 8])
    np.testing.assert_array_equal(np.frombuffer(bytes_of[0][45:61], "<i4"), [5, 0, 0, 5])
    np.testing.assert_array_equal(np.frombuffer(bytes_of[0][61:], "<f4"), np.zeros(4))
    np.testing.assert_array_equal(np.frombuffer(bytes_of[1][29:53], "<f4"), [7, 0, 0, 0, 0, 6])


def test_a_box_is_written_with_the_frames_of_its_table():
    bbox, boxes = two_spots()
    moved = bbox + np.array([0, 0, 0, 0, 10, 10], np.int32)
    for before, after in zip(packed(boxes, bbox), packed(boxes, moved), strict=True):
        assert after[20:28] == (np.frombuffer(before[20:28], "<i4") + 10).astype("<i4").tobytes()
        assert after[:20] + after[28:] == before[:20] + before[28:]


@pytest.mark.parametrize("together", [1, 2, 3, 4096])
def test_packed_and_unpacked_ones_of_several_sweeps_may_be_mixed(monkeypatch, together):
    monkeypatch.setattr(shoeboxes, "TOGETHER", together)
    bbox, boxes = two_spots()
    _, others = two_spots()
    all_bbox = np.concatenate([bbox, bbox[::-1], bbox])
    mixed = np.concatenate([boxes, packed(boxes, bbox)[::-1], others])
    one, two = packed(boxes, bbox)
    assert list(packed(mixed, all_bbox)) == [one, two, two, one, one, two]


def test_a_table_of_no_spots():
    empty = np.empty((0, 6), np.int32)
    boxes = unpacked_shoeboxes(empty, np.zeros(1, np.intp), np.empty((4, 0), np.int32))
    assert list(packed(boxes, empty)) == []


def test_split_is_the_inverse():
    bbox, boxes = two_spots()
    bytes_of = packed(boxes, bbox)
    assert list(split_shoeboxes(b"".join(bytes_of), bbox)) == list(bytes_of)
    assert split_shoeboxes(b"".join(bytes_of)[:-1], bbox) is None
    np.testing.assert_array_equal(box_sizes(bbox), [4, 6])


def test_shared_shoeboxes_come_back_byte_for_byte(tmp_path):
    table = read_refl(shared("real/phi_scan/strong.refl"))
    assert len(table["shoebox"]) == 2038
    rows = np.arange(100, 300)
    write_refl(tmp_path / "x.refl", table[rows])
    assert list(read_refl(tmp_path / "x.refl")["shoebox"]) == list(table["shoebox"][100:300])


def table_of(n: int, size: int = 4) -> Reflections:
    """Spots of one pixel each in boxes of size x size pixels."""
    low = np.tile(np.arange(n, dtype=np.int32)[:, None], 3)
    bbox = np.column_stack([low[:, 0], low[:, 0] + size, low[:, 1], low[:, 1] + size, low[:, 2], low[:, 2] + 1])
    pixels = (*np.ascontiguousarray(low.T), np.arange(n, dtype=np.int32))
    boxes = unpacked_shoeboxes(bbox.astype(np.int32), np.arange(n + 1), pixels)
    columns = {"bbox": bbox, "panel": np.zeros(n, np.int32), "flags": np.ones(n, np.uint64), "shoebox": boxes}
    return Reflections(columns, {0: "identifier"})


@given(n=st.sampled_from([0, 1, 2, 60, 300, 4100, 20000]))
def test_a_file_written_in_pieces_is_as_msgpack_writes_it_whole(n, tmp_path_factory):
    path = tmp_path_factory.mktemp("refl") / "x.refl"
    table = table_of(n, size=1)
    write_refl(path, table)
    boxes = b"".join(packed_shoeboxes(table["shoebox"], table["bbox"], table["panel"]))
    data = {
        "bbox": ("int6", (n, table["bbox"].tobytes())),
        "panel": (refl._dials_type("panel"), (n, refl._as_dials("panel", table["panel"]).tobytes())),
        "flags": ("std::size_t", (n, table["flags"].tobytes())),
        "shoebox": (refl.SHOEBOX, (n, boxes)),
    }
    whole = [refl.MAGIC, refl.VERSION, {"identifiers": {0: "identifier"}, "nrows": n, "data": data}]
    assert path.read_bytes() == msgpack.packb(whole, use_bin_type=True)


def test_shoeboxes_are_never_in_memory_together(tmp_path, monkeypatch):
    monkeypatch.setattr(shoeboxes, "TOGETHER", 64)
    table = table_of(2000, size=20)
    tracemalloc.start()
    try:
        write_refl(tmp_path / "x.refl", table)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tmp_path / "x.refl").stat().st_size > 9_000_000
    assert peak < 3_000_000


def test_shoeboxes_beyond_what_a_file_can_hold_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(refl, "MOST_BYTES", 20_000)
    write_refl(tmp_path / "x.refl", table_of(100))
    again = read_refl(tmp_path / "x.refl")
    assert len(again) == 100
    assert "shoebox" not in again
    np.testing.assert_array_equal(again["bbox"], table_of(100)["bbox"])


def test_another_column_beyond_that_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(refl, "MOST_BYTES", 100)
    with pytest.raises(ValueError, match="more than a .refl file can hold"):
        write_refl(tmp_path / "x.refl", table_of(100))
