"""How rarely the watcher looks: files are asked once, quiet directories seldom, events at once."""

from __future__ import annotations

import os

import pytest
from watched import Hutch


@pytest.fixture
def hutch(tmp_path):
    return Hutch(tmp_path)


def only(found):
    assert len(found) == 1, found
    return found[0]


def test_every_file_is_asked_for_once_at_most_and_quiet_directories_are_not_listed_again(tmp_path):
    hutch = Hutch(tmp_path)
    for folder in range(20):
        hutch.images(range(1, 21), every=0.0, folder=f"old/{folder}")
    for path in hutch.disk.times:
        hutch.disk.touch(path, at=hutch.clock.now - 86400)
    assert len(hutch.after(20)) == 20
    files = {path: n for path, n in hutch.disk.stats.items() if path.suffix == ".cbf"}
    assert max(files.values()) == 1
    assert len(files) == 20  # of directories that nobody touched for long, the last image is enough
    listed = hutch.disk.lists.copy()
    assert max(listed.values()) == 2  # once more because times are coarse
    hutch.disk.stats.clear()
    found = hutch.watched_images(range(1, 51), folder="new")
    found += hutch.after(60)
    assert [sweep.n_images for sweep in found] == [50]
    files = {path: n for path, n in hutch.disk.stats.items() if path.suffix == ".cbf"}
    assert max(files.values()) == 1
    assert {path.parent.name for path in files} == {"new"}
    assert all(hutch.disk.lists[path] == n for path, n in listed.items() if path.name.isdigit())


def test_quiet_directories_are_looked_at_rarely(tmp_path):
    hutch = Hutch(tmp_path)
    for folder in range(50):
        hutch.made(f"{folder}")
    hutch.after(3000)
    hutch.disk.stats.clear()
    hutch.after(300)
    assert hutch.disk.stats.pop(hutch.folder) <= 310
    assert max(hutch.disk.stats.values()) <= 11


def test_with_events_even_the_root_is_looked_at_rarely(tmp_path):
    hutch = Hutch(tmp_path, covered=True)
    hutch.made("a")
    hutch.after(300)
    hutch.disk.stats.clear()
    hutch.after(300)
    assert max(hutch.disk.stats.values()) <= 11


def test_an_event_is_followed_at_once(tmp_path):
    hutch = Hutch(tmp_path, covered=True)
    hutch.made("a/b")
    hutch.after(300)
    hutch.images(range(1, 11), every=0.0, folder="a/b", changes={"N_images": "10"})
    hutch.news.paths = {hutch.folder / "a/b"}
    assert len(hutch.after(3.5)) == 1


def test_lost_events_are_made_good_by_rare_looks(tmp_path):
    hutch = Hutch(tmp_path, covered=True)
    hutch.made("a/b")
    hutch.after(300)
    hutch.images(range(1, 11), folder="a/b")
    found = hutch.after(45)
    assert len(found) == 1


def test_a_file_made_in_the_same_tick_as_a_listing_is_seen(hutch):
    hutch.image(1)
    at = hutch.clock.now
    hutch.after(0.5)
    for n in range(2, 11):
        path = hutch.image(n)
        hutch.disk.touch(path, at)
        hutch.disk.touch(hutch.folder, at)  # the file system's clock has not moved on
    assert only(hutch.after(15)).n_images == 10


def test_a_long_walk_is_done_in_portions(tmp_path, monkeypatch):
    hutch = Hutch(tmp_path, once=True)
    for folder in range(6):
        hutch.images(range(1, 6), every=0.0, folder=f"{folder}")
    hutch.clock.now += 1000
    real = hutch.disk.list

    def slow(path):
        hutch.clock.now += 0.6
        return real(path)

    monkeypatch.setattr(hutch.disk, "list", slow)
    found, n_calls = hutch.watcher.poll(0), 1
    while hutch.watcher.n_waiting:
        before = hutch.clock.now
        found += hutch.watcher.poll(0)
        assert hutch.clock.now - before < 2
        n_calls += 1
    assert len(found) == 6
    assert n_calls >= 3


def test_hiccups_of_the_file_system_lose_nothing(hutch):
    hutch.watched_images(range(1, 11), folder="a")
    real = hutch.disk.before_stat

    def stale(path):
        raise OSError(116, "Stale file handle")

    hutch.disk.before_stat = stale
    assert hutch.after(60) == []
    hutch.disk.before_stat = real
    assert only(hutch.after(40)).n_images == 10


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_directories_that_may_not_be_read_are_tried_again(hutch):
    folder = hutch.made("closed")
    folder.chmod(0)
    hutch.after(50)
    folder.chmod(0o755)
    hutch.images(range(1, 6), folder="closed")
    assert only(hutch.after(60)).n_images == 5
