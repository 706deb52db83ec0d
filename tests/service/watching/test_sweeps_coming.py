"""A sweep that comes is seen coming: how many images, which lack, and how long it is waited for at most."""

from __future__ import annotations

import errno
import os
from dataclasses import replace

import cbf_files
import pytest
from simulated import simulated_sweep
from watched import FollowingDisk, Hutch

from autoproc.service.sweeps.found_sweep import ListedImages
from autoproc.service.watching.completeness import SeriesProgress, what_is_missing
from autoproc.service.watching.params import WatchParams
from autoproc.service.watching.sweeps_coming import _arriving
from autoproc.service.watching.watcher import Watcher


@pytest.fixture
def hutch(tmp_path):
    return Hutch(tmp_path)


def seen(hutch):
    return [(a.name, a.n_images, a.words) for a in hutch.watcher.arriving()]


def test_nothing_comes(hutch):
    assert hutch.watcher.arriving() == []


def test_images_that_come(hutch):
    hutch.watched_images([1, 2, 4, 5, 9], every=0.5)
    hutch.after(1.5)
    (one,) = hutch.watcher.arriving()
    assert one.path == str(hutch.folder / "x_####.cbf")
    assert (one.name, one.n_images) == ("x", 5)
    assert one.words.startswith("images missing: 3, 6-8")
    assert one.until == pytest.approx(hutch.clock.now + 300, abs=2)
    hutch.after(310)
    assert hutch.watcher.arriving() == []


def test_of_how_many_the_header_says(hutch):
    hutch.watched_images(range(1, 8), every=1.0, changes={"N_images": "20"})
    name, n_images, words = seen(hutch)[0]
    assert (name, n_images) == ("x", 7)
    assert "of 20 images are there" in words


def test_a_sweep_that_may_be_complete(hutch):
    hutch.watched_images(range(1, 8), every=0.5)
    hutch.after(2.5)
    assert seen(hutch) == [("x", 7, "none is missing so far")]
    assert 0 < hutch.watcher.arriving()[0].until - hutch.clock.now < 20


@pytest.fixture
def hdf5(tmp_path, tmp_path_factory):
    """A watched folder, and a master with its data file to be put there."""
    source = simulated_sweep(tmp_path_factory, "nxmx", n_images=12).start
    (tmp_path / "visit").mkdir()
    hutch = Hutch(tmp_path / "visit", disk_class=FollowingDisk)

    def come(name):
        (hutch.folder / name).write_bytes((source.parent / name).read_bytes())
        hutch.disk.touch(hutch.folder)

    return hutch, come


def test_a_master_whose_data_files_lack(hdf5):
    hutch, come = hdf5
    come("small_master.h5")
    assert hutch.after(5) == []
    ((name, _, words),) = seen(hutch)
    assert name == "small"
    assert "small_data_000001.h5" in words
    come("small_data_000001.h5")
    assert [sweep.name for sweep in hutch.after(10)] == ["small"]
    assert seen(hutch) == []


def test_data_files_whose_master_lacks(hdf5):
    hutch, come = hdf5
    come("small_data_000001.h5")
    assert hutch.after(20) == []
    assert seen(hutch) == [("small", 1, "data files, no master file yet")]
    come("small_master.h5")
    assert [sweep.name for sweep in hutch.after(10)] == ["small"]
    assert seen(hutch) == []


def test_data_files_whose_master_never_comes(hdf5):
    hutch, come = hdf5
    come("small_data_000001.h5")
    (listed,) = hutch.after(310)
    assert isinstance(listed, ListedImages)
    assert listed.reason == "1 data file, but no master file that describes the experiment"
    assert seen(hutch) == []


def test_data_files_that_go_again(hdf5):
    hutch, come = hdf5
    come("small_data_000001.h5")
    hutch.after(20)
    hutch.remove(hutch.folder / "small_data_000001.h5")
    assert hutch.after(400) == []
    assert seen(hutch) == []


class GuardedDisk(FollowingDisk):
    """Files that may not be read, or not even be looked at, until somebody lets us."""

    def __init__(self, clock):
        super().__init__(clock)
        self.unreadable, self.hidden = set(), set()

    def may_read(self, path, status):
        return path.name not in self.unreadable

    def stat(self, path):
        if os.path.basename(path) in self.hidden:
            self.stats[path] += 1
            raise OSError(errno.EACCES, "Permission denied")
        return super().stat(path)


@pytest.mark.parametrize("guard", ["unreadable", "hidden"])
@pytest.mark.parametrize("after", [20, 1000])
def test_files_that_are_made_readable_one_by_one(tmp_path, guard, after):
    """Nothing tells of it; and those that are not readable are not asked all the time."""
    hutch = Hutch(tmp_path, disk_class=GuardedDisk)
    guarded = getattr(hutch.disk, guard)
    guarded |= {f"x_{n:04d}.cbf" for n in range(1, 11)}
    hutch.images(range(1, 11))
    assert hutch.after(after) == []
    last = hutch.folder / "x_0010.cbf"
    n_stats = hutch.disk.stats[last]
    hutch.after(100)
    assert hutch.disk.stats[last] - n_stats <= (110 if after < 300 else 5)
    found = []
    for n in range(1, 11):
        guarded.remove(f"x_{n:04d}.cbf")
        found += hutch.after(1.0)
    found += hutch.after(400)
    assert (found[-1].n_images, found[-1].state) == (10, "complete")


def test_a_last_image_that_is_made_readable_late(tmp_path):
    hutch = Hutch(tmp_path, disk_class=GuardedDisk)
    hutch.disk.unreadable.add("x_0010.cbf")
    hutch.images(range(1, 11))
    (without,) = hutch.after(60)
    assert without.n_images == 9
    hutch.disk.unreadable.clear()
    whole = hutch.after(60)[-1]
    assert (whole.n_images, whole.state, whole.fingerprint) == (10, "complete", without.fingerprint)


@pytest.mark.parametrize(("depth", "visits"), [(0, ["", "", ""]), (1, ["v1", "v1", "v2"]), (2, ["v1/a", "v1/b", "v2"])])
def test_what_a_visit_is(tmp_path, depth, visits):
    hutch = Hutch(tmp_path, visit_depth=depth)
    for n, folder in enumerate(("v1/a", "v1/b/deep", "v2")):
        hutch.images(range(1, 6), folder=folder, template=f"{n}x_####.cbf")
    found = {sweep.name: sweep.visit for sweep in hutch.after(30)}
    assert list(found.values()) == [str(hutch.folder / visit) if visit else str(hutch.folder) for visit in visits]


def begun_again(hutch, in_queue):
    """A program that is started on a folder that is there, with what the queue holds by then."""
    return Watcher(
        [hutch.folder],
        hutch.params,
        hutch.probe,
        disk=hutch.disk,
        clock=hutch.clock,
        news=hutch.news,
        in_queue=in_queue,
    )


@pytest.mark.parametrize(("n_known", "n_coming"), [(5, 0), (7, 0), (4, 1)])
def test_what_the_queue_holds_when_the_program_begins_is_not_coming(hutch, n_known, n_coming):
    """It is in one state, that of the queue; more images than that are news."""
    hutch.watched_images(range(1, 6), every=0.5)
    watcher = begun_again(hutch, {str(hutch.folder / "x_####.cbf"): n_known})
    watcher.poll(0.0)
    assert (len(watcher.arriving()), watcher.n_arriving()) == (n_coming, n_coming)


def test_of_a_sweep_that_the_queue_holds_more_images_come(hutch):
    hutch.watched_images(range(1, 6), every=0.5)
    watcher = begun_again(hutch, {str(hutch.folder / "x_####.cbf"): 5})
    watcher.poll(0.0)
    cbf_files.write_image(hutch.folder / "x_0006.cbf")
    hutch.disk.touch(hutch.folder)
    hutch.clock.now += 2.0
    watcher.poll(0.0)
    assert [a.n_images for a in watcher.arriving()] == [6]


def test_all_that_come_are_counted_however_few_are_shown(hutch, monkeypatch):
    monkeypatch.setattr("autoproc.service.watching.sweeps_coming.MOST_ARRIVING", 2)
    for name in "abcde":
        cbf_files.write_image(hutch.folder / f"{name}_0001.cbf")
    hutch.disk.touch(hutch.folder)
    hutch.after(1.0)
    assert (len(hutch.watcher.arriving()), hutch.watcher.n_arriving()) == (2, 5)


def test_images_of_a_complete_sweep_that_are_moved_away_make_it_no_coming_one(hutch):
    """Events tell of files that are gone, too: that is no news of images."""
    hutch.watched_images(range(1, 11), every=0.5)
    assert [sweep.n_images for sweep in hutch.after(60)] == [10]
    gone = [hutch.folder / f"x_{number:04d}.cbf" for number in range(1, 6)]
    for path in gone:
        path.unlink()
    hutch.disk.touch(hutch.folder)
    hutch.news.paths = {*gone, hutch.folder}
    assert hutch.after(30) == []
    assert seen(hutch) == []


def test_files_just_written_are_still_arriving(hutch):
    hutch.watched_images([1, 2, 4], every=0.5)
    (one,) = hutch.watcher.arriving()
    assert "unfinished" not in one.words


def test_what_is_not_whole_is_unfinished_only_when_nothing_comes():
    progress = SeriesProgress(6, n_unfinished=2)
    assert what_is_missing(progress, is_coming=True) == "2 still arriving"
    assert what_is_missing(progress) == "2 unfinished"
    words = [_arriving("x", "x", replace(progress, quiet=q), WatchParams(), False, 0.0).words for q in (1.0, 60.0)]
    assert words == ["2 still arriving", "2 unfinished"]
