"""By what a sweep is known again: after a restart, renamed, compressed, or with new images under old names."""

from __future__ import annotations

import shutil

import pytest
from watched import Hutch


@pytest.fixture
def hutch(tmp_path):
    return Hutch(tmp_path)


def only(found):
    assert len(found) == 1, found
    return found[0]


def test_what_is_known_is_not_told_again_after_a_restart(tmp_path):
    taken = {}
    hutch = Hutch(tmp_path, known=lambda fingerprint: taken.get(fingerprint, 0))
    hutch.watched_images(range(1, 11))
    first = only(hutch.after(10))
    taken[first.fingerprint] = first.n_images
    hutch.restarted()
    assert hutch.after(100) == []
    hutch.watched_images(range(11, 16))
    again = only(hutch.after(250))
    assert (again.fingerprint, again.n_images) == (first.fingerprint, 15)


def test_a_bool_will_do_for_known(tmp_path):
    hutch = Hutch(tmp_path, known=lambda fingerprint: True)
    hutch.images(range(1, 11))
    assert hutch.after(100) == []


def test_touching_copying_and_renaming_within_leave_the_fingerprint(hutch):
    hutch.images(range(1, 11))
    first = only(hutch.after(20))
    for n in range(1, 11):
        path = hutch.folder / f"x_{n:04d}.cbf"
        copy = path.with_name("copy")
        shutil.copy(path, copy)
        copy.rename(path)
        hutch.disk.touch(path)
    hutch.disk.touch(hutch.folder)
    assert hutch.after(100) == []
    hutch.restarted()
    assert only(hutch.after(20)).fingerprint == first.fingerprint


def test_new_images_under_old_names_are_a_new_sweep(hutch):
    hutch.images(range(1, 11))
    first = only(hutch.after(20))
    for n in range(1, 11):
        hutch.remove(hutch.folder / f"x_{n:04d}.cbf")
    hutch.after(3)
    hutch.watched_images(range(1, 11), seed=77)
    assert only(hutch.after(20)).fingerprint != first.fingerprint


def test_new_images_renamed_over_the_old_ones_are_a_new_sweep(hutch):
    hutch.images(range(1, 11))
    first = only(hutch.after(20))
    for n in range(1, 11):
        path = hutch.image(n, template="new_####.tmp", seed=77)
        path.rename(hutch.folder / f"x_{n:04d}.cbf")
        hutch.disk.touch(hutch.folder / f"x_{n:04d}.cbf")
    assert only(hutch.after(60)).fingerprint != first.fingerprint


def test_images_that_are_compressed_afterwards_are_not_a_new_sweep(hutch):
    hutch.images(range(1, 11), template="x_####.cbf")
    first = only(hutch.after(20))
    for n in range(1, 11):
        hutch.image(n, template="x_####.cbf.gz")
        hutch.remove(hutch.folder / f"x_{n:04d}.cbf")
    assert hutch.after(50) == []
    hutch.restarted()
    assert only(hutch.after(20)).fingerprint == first.fingerprint


def test_counters_without_leading_noughts_keep_their_fingerprint_when_they_grow(hutch):
    hutch.images([10, 11, 12], template="x_#.cbf")
    first = only(hutch.after(20))
    hutch.restarted()
    hutch.images([13], template="x_#.cbf")
    assert only(hutch.after(20)).fingerprint == first.fingerprint


def test_images_written_over_the_old_ones_in_place_are_told_of_by_events(tmp_path):
    hutch = Hutch(tmp_path, covered=True)
    hutch.images(range(1, 11))
    first = only(hutch.after(20))
    hutch.after(1000)
    found = []
    for n in range(1, 11):
        path = hutch.image(n, seed=77)
        hutch.disk.touch(hutch.folder, at=1.0)
        hutch.news.paths = {path, path.parent}
        found += hutch.after(1.0)
    again = only(found + hutch.after(30))
    assert again.fingerprint != first.fingerprint
    assert again.n_images == 10


def test_events_of_touched_images_are_no_new_sweep(tmp_path):
    hutch = Hutch(tmp_path, covered=True)
    hutch.images(range(1, 11))
    only(hutch.after(20))
    hutch.news.paths = {hutch.folder / f"x_{n:04d}.cbf" for n in range(1, 11)}
    assert hutch.after(100) == []


def test_a_first_image_that_comes_after_the_sweep_was_given_up_leaves_its_fingerprint(hutch):
    hutch.watched_images(range(2, 11), changes={"N_images": "10"})
    partial = only(hutch.after(310))
    hutch.image(1, changes={"N_images": "10"})
    whole = only(hutch.after(10))
    assert (partial.n_images, whole.n_images, whole.state) == (9, 10, "complete")
    assert partial.fingerprint == whole.fingerprint


def test_a_series_with_a_wide_gap_keeps_its_fingerprint_when_the_gap_is_filled(hutch):
    hutch.watched_images([*range(1, 6), *range(20, 41)])
    partial = only(hutch.after(310))
    assert partial.image_range == (20, 40)
    hutch.watched_images(range(6, 20))
    whole = only(hutch.after(10))
    assert whole.image_range == (1, 40)
    assert partial.fingerprint == whole.fingerprint


# Once
