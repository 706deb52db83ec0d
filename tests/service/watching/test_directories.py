import os
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from watched import Clock, FollowingDisk

from autoproc.formats.confinement import may_lead_into
from autoproc.service.watching.directories import Directories
from autoproc.service.watching.params import WatchParams

NAMES = ("a", "b", "c", "f", "g")
FILES = ("f", "g")  # a directory may get the number of a file that has just been removed, and is taken for it
PATHS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)
DEEDS = st.tuples(st.sampled_from(["file", "folder", "remove", "move", "look"]), PATHS, PATHS)


class Watch:
    """Follows the changes of a tree, and what must come out of them."""

    def __init__(self, root, covered=False, **params):
        self.root = root
        self.clock = Clock()
        self.disk = FollowingDisk(self.clock)
        self.directories = Directories([root], WatchParams(**params), self.disk, lambda path: covered)
        self.files = set()

    def look(self, seconds=1.0, told=()):
        self.clock.now += seconds
        for change in self.directories.changes(self.clock.now, told, set()):
            self.files -= {change.directory / name for name in change.gone}
            self.files |= {change.directory / name for name in change.arrived}


def truth(root):
    return {root.__class__(folder) / name for folder, _, names in os.walk(root) for name in names}


def do(root, deed, one, other):
    path, target = root / one, root / other
    try:
        if deed == "file" and path.name in FILES:
            path.write_bytes(b"x")
        elif deed == "folder" and not set(FILES) & set(path.parts):
            path.mkdir(parents=True)
        elif deed == "remove":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        elif deed == "move" and (path.name in FILES) == (target.name in FILES):
            path.rename(target)
    except OSError:
        pass


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(DEEDS, max_size=30))
def test_whatever_happens_the_files_are_known_in_the_end(tmp_path_factory, deeds):
    root = tmp_path_factory.mktemp("tree")
    watch = Watch(root)
    for deed, one, other in deeds:
        if deed == "look":
            watch.look()
        else:
            do(root, deed, one, other)
    for _ in range(6):
        watch.look(35.0)
    assert watch.files == truth(root)


@pytest.mark.parametrize("covered", [False, True])
def test_every_directory_is_looked_at_within_the_rescan_interval(tmp_path, covered):
    for n in range(10):
        (tmp_path / str(n)).mkdir()
    watch = Watch(tmp_path, covered)
    for _ in range(3000):
        watch.look()
    watch.disk.stats.clear()
    for _ in range(31):
        watch.look()
    assert set(watch.disk.stats) == {tmp_path, *tmp_path.iterdir()}


def test_a_directory_reached_in_two_ways_is_told_once(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "x").write_bytes(b"x")
    (tmp_path / "alias").symlink_to(tmp_path / "real")
    watch = Watch(tmp_path)
    for _ in range(50):
        watch.look(10)
    assert watch.files == {tmp_path / "real" / "x"}


def test_another_way_to_a_directory_is_taken_when_the_first_one_ends(tmp_path):
    (tmp_path / "deep" / "real").mkdir(parents=True)
    (tmp_path / "deep" / "real" / "x").write_bytes(b"x")
    (tmp_path / "alias").symlink_to(tmp_path / "deep" / "real")
    watch = Watch(tmp_path)
    watch.look()
    assert watch.files == {tmp_path / "deep" / "real" / "x"}
    (tmp_path / "deep" / "real").rename(tmp_path.parent / "moved_away")
    (tmp_path / "alias").unlink()
    (tmp_path / "alias").symlink_to(tmp_path.parent / "moved_away")
    for _ in range(50):
        watch.look(10)
    assert watch.files == {tmp_path / "alias" / "x"}
    shutil.rmtree(tmp_path.parent / "moved_away")


def test_a_root_that_goes_and_comes_again(tmp_path):
    root = tmp_path / "visit"
    watch = Watch(root)
    watch.look()
    root.mkdir()
    (root / "x").write_bytes(b"x")
    watch.look()
    assert watch.files == {root / "x"}
    shutil.rmtree(root)
    watch.look(5)
    assert watch.files == set()
    (root / "a").mkdir(parents=True)
    (root / "a" / "y").write_bytes(b"y")
    watch.look(5)
    assert watch.files == {root / "a" / "y"}


def test_roots_within_roots_are_told_once(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_bytes(b"x")
    clock = Clock()
    directories = Directories([tmp_path, tmp_path / "a"], WatchParams(), FollowingDisk(clock), lambda path: False)
    arrived = [
        name for _ in range(20) for change in directories.changes(clock.now, (), set()) for name in change.arrived
    ]
    assert arrived == ["x"]


def test_links_to_folders_outside_are_told_once_and_not_followed(tmp_path, tmp_path_factory):
    theirs = tmp_path_factory.mktemp("theirs")
    (theirs / "x").write_bytes(b"x")
    root = tmp_path / "visits" / "mine"
    root.mkdir(parents=True)
    (root / "link").symlink_to(theirs)
    watch, told = Watch(root), []
    for seconds in range(40):
        watch.clock.now += 5
        if seconds == 20:
            (root / "f").write_bytes(b"f")
        for change in watch.directories.changes(watch.clock.now, (), set()):
            told += change.leading_out
            watch.files |= {change.directory / name for name in change.arrived}
    assert told == ["link"]
    assert watch.files == {root / "f"}
    assert len(watch.directories) == 1


def test_links_to_folders_that_are_listed_are_followed(tmp_path, tmp_path_factory):
    theirs = tmp_path_factory.mktemp("theirs")
    (theirs / "x").write_bytes(b"x")
    root = tmp_path / "visits" / "mine"
    root.mkdir(parents=True)
    (root / "link").symlink_to(theirs)
    may_lead_into([theirs])
    try:
        watch = Watch(root)
        watch.look()
    finally:
        may_lead_into(())
    assert watch.files == {root / "link" / "x"}
