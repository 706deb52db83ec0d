"""Images are read from the disk once where there is room for them, and come out the same."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
from numpy.testing import assert_array_equal
from simulated import simulated_sweep

from autoproc.errors import CorruptFile
from autoproc.formats import compressed
from autoproc.formats.hdf5 import hdf5_frames
from autoproc.formats.images.kept_images import KeptImages
from autoproc.formats.registry import open_reader, read_experiment
from autoproc.stages.import_sweep import import_sweeps


def test_the_first_are_kept_as_long_as_there_is_room():
    kept = KeptImages(10)
    for frame, stored in enumerate((b"12345", b"1234567", b"123", b"123", b"12")):
        kept.keep(frame, stored)
    assert [kept.find(frame) for frame in range(5)] == [b"12345", None, b"123", None, b"12"]


def test_what_is_kept_twice_takes_its_room_once():
    kept = KeptImages(10)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: kept.keep(0, b"1234"), range(50)))
    kept.keep(1, b"123456")
    assert kept.find(1) == b"123456"


def test_a_reader_goes_to_another_process_without_what_it_keeps(tmp_path_factory):
    written = simulated_sweep(tmp_path_factory, "minicbf", n_images=6)
    (found,) = import_sweeps([written.start]).experiments
    reader = open_reader(found.experiment, 1 << 30)
    image = reader.read(2)
    packed = pickle.dumps(reader)
    assert len(packed) < image.size
    assert_array_equal(pickle.loads(packed).read(2), image)


@pytest.fixture(params=["minicbf", "nxmx", "smv"])
def experiment(request, tmp_path_factory):
    written = simulated_sweep(tmp_path_factory, request.param, n_images=6)
    (found,) = import_sweeps([written.start]).experiments
    return found.experiment


@pytest.fixture
def n_loaded(monkeypatch):
    """How often something was read from the disk, in a list of one number."""
    count = [0]

    def counting(function):
        def counted(*arguments, **keywords):
            count[0] += 1
            return function(*arguments, **keywords)

        return counted

    monkeypatch.setattr(hdf5_frames.NexusReader, "_chunk", counting(hdf5_frames.NexusReader._chunk))
    monkeypatch.setattr(compressed, "_read", counting(compressed._read))
    return count


def test_a_frame_is_read_once_with_room_and_twice_without(experiment, n_loaded):
    plain, keeping = open_reader(experiment), open_reader(experiment, 1 << 30)
    expected = [plain.read(frame) for frame in range(6)]
    again = [plain.read(frame) for frame in range(6)]
    first = [keeping.read(frame) for frame in range(6)]
    before = n_loaded[0]
    second = [keeping.read(frame) for frame in range(6)]
    assert n_loaded[0] == before >= 18
    for frame in range(6):
        for image in (again, first, second):
            assert_array_equal(image[frame], expected[frame])


def test_what_a_reader_returned_may_be_written_to(experiment):
    keeping = open_reader(experiment, 1 << 30)
    expected = keeping.read(2).copy()
    keeping.read(2)[:] = 7
    assert_array_equal(keeping.read(2), expected)


def test_an_image_that_was_damaged_is_read_anew(tmp_path, tmp_path_factory):
    written = simulated_sweep(tmp_path_factory, "minicbf", n_images=6)
    whole = written.start.read_bytes()
    path = tmp_path / written.start.name
    path.write_bytes(whole)
    reader = open_reader(read_experiment(path), 1 << 30)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CorruptFile):
        reader.read(0)
    path.write_bytes(whole)
    assert reader.read(0).max() > 0


def test_only_what_fits_is_kept(experiment, n_loaded):
    keeping = open_reader(experiment, 10)
    for _ in range(2):
        for frame in range(6):
            keeping.read(frame)
    assert n_loaded[0] >= 12
