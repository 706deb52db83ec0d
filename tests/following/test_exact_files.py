"""What was found on files of single images while they came is what is found afterwards, whatever becomes of them."""

from __future__ import annotations

import os
import shutil

import pytest
from followed_for_tests import (
    assert_same_spots,
    assert_same_strong_pixels,
    catch_up,
    configured,
    follow,
    quick_waits,
    turn,
)
from simulated import simulated_sweep

from autoproc.config import Config
from autoproc.following.follower import Follower
from autoproc.simulation.beamline import Collection, collect, numbered, write_cbf

N = 12


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    quick_waits(monkeypatch)


@pytest.fixture
def source(tmp_path_factory):
    return simulated_sweep(tmp_path_factory, n_images=N).images


@pytest.fixture
def other(tmp_path_factory):
    """Images of another crystal."""
    return simulated_sweep(tmp_path_factory, n_images=N, orientation_seed=7).images


@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2"])
@pytest.mark.parametrize("arrival", ["written", "slowly", "renamed", "rsync"])
def test_however_files_come(tmp_path, source, arrival, suffix):
    path = tmp_path / f"x_####.cbf{suffix}"
    collection = Collection(0.0, in_order=arrival != "slowly", arrival=arrival)
    follower = follow(path, write_cbf(source, tmp_path, path.name, collection))
    catch_up(follower, N)
    assert assert_same_strong_pixels(path, follower.early) == list(range(1, N + 1))
    catch_up(follower := follow(path, [0]), N)
    assert_same_spots(path, follower.early)


def test_first_images_that_come_last(tmp_path, source):
    path = tmp_path / "x_####.cbf"
    late, early = source[:5], source[5:]
    follower = follow(path, write_cbf(early, tmp_path, path.name, Collection(0.0), first=6))
    catch_up(follower, len(early))
    collect(write_cbf(late, tmp_path, path.name, Collection(0.0)))
    catch_up(follower, N)
    assert_same_spots(path, follower.early)


@pytest.mark.parametrize(
    "given",
    [
        {"image_range": (3, 9)},
        {"exclude_images": ("2", "5-6")},
        {"mask": ((0, 0, 100, 100),)},
        {"d_min": 2.5, "d_max": 20.0},
        {"exclude_ice_rings": True},
        {"exclude_regions": ((50, 90, 20, 200),)},
        {"min_trusted": 1},
    ],
    ids="-".join,
)
def test_whatever_is_left_out(tmp_path, source, given):
    path, config = tmp_path / "x_####.cbf", configured(**given)
    n = {"image_range": 7, "exclude_images": 9}.get(next(iter(given)), N)
    follower = follow(path, write_cbf(source, tmp_path, path.name, Collection(0.0)), config)
    catch_up(follower, n)
    assert not turn(follower)
    assert len(follower.early) == n
    assert len(assert_same_strong_pixels(path, follower.early, config)) == n


def test_what_another_search_found_serves_for_none(tmp_path, source):
    path = tmp_path / "x_####.cbf"
    follower = follow(path, write_cbf(source, tmp_path, path.name, Collection(0.0)))
    catch_up(follower, N)
    for given in ({"d_min": 2.5}, {"gain": 1.5}, {"mask": ((0, 0, 9, 9),)}, {"n_sigma_strong": 3.1}):
        assert assert_same_strong_pixels(path, follower.early, configured(**given)) == []
    assert len(assert_same_strong_pixels(path, follower.early)) == N


def test_images_written_again_and_taken_away(tmp_path, source, other):
    path = tmp_path / "x_####.cbf"
    follower = follow(path, write_cbf(source, tmp_path, path.name, Collection(0.0)))
    catch_up(follower, N)
    (tmp_path / "x_0003.cbf").write_bytes(other[2].read_bytes())  # in place
    shutil.copyfile(other[4], tmp_path / "y")
    (tmp_path / "y").rename(tmp_path / "x_0005.cbf")  # by another file
    shutil.copyfile(source[6], tmp_path / "y")
    (tmp_path / "y").rename(tmp_path / "x_0007.cbf")  # by its like, which cannot be told without a reading
    (tmp_path / "x_0012.cbf").unlink()
    assert assert_same_strong_pixels(path, follower.early) == [1, 2, 4, 6, 8, 9, 10, 11]


def test_a_file_put_back_to_its_old_time(tmp_path, source, other):
    path = tmp_path / "x_####.cbf"
    follower = follow(path, write_cbf(source, tmp_path, path.name, Collection(0.0)))
    catch_up(follower, N)
    file = tmp_path / "x_0004.cbf"
    before = file.stat()
    write_as_long(file, other[3].read_bytes(), before.st_size)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = file.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)
    assert 4 not in assert_same_strong_pixels(path, follower.early)


def test_a_file_written_twice_within_the_grain_of_its_times(tmp_path, source, other, monkeypatch):
    """As where a file system tells whole seconds."""
    path, file, longest = tmp_path / "x_####.cbf", tmp_path / "x_0003.cbf", 1 << 17
    now = [0.0]
    monkeypatch.setattr("autoproc.following.frames_there.time.monotonic", lambda: now[0])
    asked = os.fstat

    def whole_seconds(descriptor):
        status = asked(descriptor)
        return os.stat_result([*status[:7], 0, 0, 0], {"st_mtime_ns": 0, "st_ctime_ns": 0})

    monkeypatch.setattr("autoproc.formats.images.file_frames.os.fstat", whole_seconds)
    follower = Follower(str(path), Config(), lambda said: None)
    for image, number in zip(source[:3], range(1, 4), strict=True):
        write_as_long(tmp_path / numbered(path.name, number), image.read_bytes(), longest)
    turn(follower)
    now[0] = 1.0
    turn(follower)
    write_as_long(file, other[2].read_bytes(), longest)
    for now[0] in (1.5, 2.1, 3.0, 4.0):
        turn(follower)
    assert assert_same_strong_pixels(path, follower.early) == [1, 2, 3]


def write_as_long(path, content, size):
    """With nothing behind it, up to a size."""
    if path.exists():
        with path.open("r+b") as file:
            file.truncate(0)
            file.write(content[:size].ljust(size, b"\0"))
    else:
        path.write_bytes(content.ljust(size, b"\0"))


def test_an_image_that_is_half_there_for_long(tmp_path, source):
    path = tmp_path / "x_####.cbf"
    half = tmp_path / "x_0002.cbf"
    follower = follow(path, write_cbf(source, tmp_path, path.name, Collection(0.0)))
    catch_up(follower, N)
    whole = half.read_bytes()
    half.write_bytes(whole[: len(whole) // 2])
    catch_up(follower := follow(path, [0]), N - 1)
    assert not turn(follower)
    half.write_bytes(whole)
    catch_up(follower, N)
    assert assert_same_strong_pixels(path, follower.early) == list(range(1, N + 1))


def test_two_sweeps_in_one_template(tmp_path, source, tmp_path_factory):
    again = simulated_sweep(tmp_path_factory, n_images=N, start=90.0).images
    path = tmp_path / "x_####.cbf"
    follower = follow(path, write_cbf(source, tmp_path, path.name, Collection(0.0)))
    collect(write_cbf(again, tmp_path, path.name, Collection(0.0), first=N + 1))
    catch_up(follower, 2 * N)
    assert assert_same_strong_pixels(path, follower.early) == list(range(1, 2 * N + 1))


def test_a_file_that_changes_after_its_spots_were_found_is_remarked_on(tmp_path, source, other):
    from followed_for_tests import sweeps_of

    from autoproc.stages.pipeline import open_frames

    path = tmp_path / "x_####.cbf"
    collect(write_cbf(source, tmp_path, path.name, Collection(0.0)))
    (experiment,) = sweeps_of(path)
    reader = open_frames(experiment, Config(), is_read_again=True)
    assert reader.stamp(3) is not None
    (tmp_path / "x_0004.cbf").write_bytes(other[3].read_bytes())
    reader.read(3)
    assert any("changed on disk" in said for said in reader.warnings(1))
