"""The search for endless heaps is made once a file, and again when the file is another."""

from __future__ import annotations

import os

import pytest

from autoproc.formats.hdf5 import hdf5_heaps
from autoproc.formats.hdf5.hdf5_heaps import HEADER, SIGNATURE, has_endless_heap


def heap(*sizes: int) -> bytes:
    """A collection of objects of these sizes; the last of index 0, as the space that is left."""
    objects = b"".join(
        (0 if n == len(sizes) - 1 else n + 1).to_bytes(2, "little") + bytes(6) + size.to_bytes(8, "little")
        + bytes(max((size + 7) // 8 * 8 - (HEADER if n == len(sizes) - 1 else 0), 0))
        for n, size in enumerate(sizes)
    )  # fmt: skip
    return SIGNATURE + (HEADER + len(objects)).to_bytes(8, "little") + objects


SOUND, ENDLESS = heap(5, 16, 32), heap(5, 0)


def is_endless(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return has_endless_heap(descriptor, path.stat().st_size)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(("content", "expected"), [(SOUND, False), (ENDLESS, True), (b"", False), (bytes(99), False)])
@pytest.mark.parametrize("before", [0, 7, 4096])
def test_an_object_of_no_size_is_found_wherever_its_heap_is(tmp_path, content, expected, before):
    path = tmp_path / "x.h5"
    path.write_bytes(bytes(before) + content + bytes(40))
    assert is_endless(path) is expected


def test_a_file_is_searched_once_until_it_changes(tmp_path, monkeypatch):
    searched = []
    search = hdf5_heaps._searched
    monkeypatch.setattr(hdf5_heaps, "_searched", lambda *file: searched.append(1) or search(*file))
    path = tmp_path / "x.h5"
    path.write_bytes(SOUND)
    assert [is_endless(path) for _ in range(3)] == [False] * 3
    assert len(searched) == 1
    path.write_bytes(ENDLESS + bytes(1))
    assert is_endless(path)
    assert len(searched) == 2


def test_few_answers_are_kept(tmp_path):
    for n in range(hdf5_heaps.KEPT + 5):
        path = tmp_path / f"{n}.h5"
        path.write_bytes(SOUND)
        assert not is_endless(path)
    assert len(hdf5_heaps._known) <= hdf5_heaps.KEPT


@pytest.fixture
def parts_searched(monkeypatch):
    """The parts of files that are searched, one by one."""
    parts = []
    places = hdf5_heaps._places
    monkeypatch.setattr(hdf5_heaps, "_places", lambda content, *part: parts.append(part) or places(content, *part))
    return parts


@pytest.mark.parametrize(("more", "expected"), [(SOUND, False), (ENDLESS, True), (bytes(9), False)])
def test_of_a_file_that_grows_what_is_new_is_searched(tmp_path, parts_searched, more, expected):
    path = tmp_path / "x.h5"
    path.write_bytes(SOUND + bytes(10_000))
    assert not is_endless(path)
    before = path.stat().st_size
    parts_searched.clear()
    with path.open("ab") as file:
        file.write(more)
    assert is_endless(path) is expected
    assert min(start for start, stop in parts_searched if stop > start) >= before - len(SIGNATURE)


def test_a_heap_that_lies_across_the_old_end_is_found(tmp_path):
    path = tmp_path / "x.h5"
    path.write_bytes(bytes(100) + ENDLESS[:5])
    assert not is_endless(path)
    with path.open("ab") as file:
        file.write(ENDLESS[5:] + bytes(40))
    assert is_endless(path)


def test_a_heap_that_was_sound_is_looked_at_again(tmp_path):
    path = tmp_path / "x.h5"
    path.write_bytes(SOUND + bytes(10_000))
    assert not is_endless(path)
    with path.open("r+b") as file:
        file.write(ENDLESS[: len(SOUND)])
        file.seek(0, os.SEEK_END)
        file.write(bytes(10))
    assert is_endless(path)


def test_a_file_that_was_written_anew_is_searched_as_a_whole(tmp_path):
    path = tmp_path / "x.h5"
    path.write_bytes(os.urandom(10_000))
    assert not is_endless(path)
    path.write_bytes(bytes(50) + ENDLESS + os.urandom(20_000))
    assert is_endless(path)
