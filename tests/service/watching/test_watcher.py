"""What makes files under a directory a sweep, and when it is told."""

from __future__ import annotations

import random
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from watched import Hutch

from autoproc.service.probing import answers
from autoproc.service.sweeps.found_sweep import FoundSweep, ListedImages


@pytest.fixture
def hutch(tmp_path):
    return Hutch(tmp_path)


def only(found):
    assert len(found) == 1, found
    return found[0]


def test_a_sweep_is_complete_when_nothing_came_for_the_settle_time(hutch):
    assert hutch.watched_images(range(1, 31)) == []
    last = hutch.clock.now - 0.1
    sweep = only(hutch.after(20))
    assert isinstance(sweep, FoundSweep)
    assert (sweep.path, sweep.kind, sweep.image_range, sweep.n_images) == (
        hutch.folder / "x_####.cbf", "cbf", (1, 30), 30,
    )  # fmt: skip
    assert (sweep.state, sweep.reason, sweep.name, sweep.visit) == ("complete", "", "x", str(hutch.folder))
    assert sweep.completed_at == pytest.approx(last, abs=1e-6)


def test_it_is_found_neither_too_early_nor_late(hutch):
    hutch.watched_images(range(1, 31))
    assert hutch.after(4.5) == []
    assert len(hutch.after(2.5)) == 1


def test_a_slow_collection_is_waited_for_longer(hutch):
    assert hutch.watched_images(range(1, 6), every=3.0) == []
    assert hutch.after(50) == []
    assert only(hutch.after(15)).n_images == 5


def test_the_exposure_in_the_header_says_how_slow_from_the_first_image_on(hutch):
    slow = {"Exposure_period": "30.0 s"}
    assert hutch.watched_images([1], every=200, changes=slow) == []
    assert only(hutch.after(200)).n_images == 1


def test_a_pause_that_happened_once_may_happen_again(hutch):
    changes = {"Exposure_period": "1.0 s"}
    assert hutch.watched_images(range(1, 5), changes=changes) == []
    assert hutch.after(18) == []
    assert hutch.watched_images(range(5, 9), changes=changes) == []
    assert hutch.after(32) == []
    assert only(hutch.after(10)).n_images == 8


def test_a_count_in_the_header_spares_the_wait(hutch):
    changes = {"N_images": "12"}
    assert hutch.watched_images(range(1, 12), changes=changes) == []
    assert hutch.after(60) == []
    hutch.image(12, changes=changes)
    assert only(hutch.after(3.5)).n_images == 12


def test_n_oscillations_is_not_a_count_of_images(hutch):
    hutch.watched_images(range(1, 12), changes={"N_oscillations": "1"})
    assert only(hutch.after(8)).state == "complete"


def test_what_lacks_images_is_waited_for_then_processed_as_partial(hutch):
    hutch.watched_images([1, 2, 3, 4, 6, 7, 8, 9, 10])
    assert hutch.after(290) == []
    sweep = only(hutch.after(20))
    assert sweep.state == "partial"
    assert sweep.reason == "images missing: 5; nothing came for 5 min"


def test_an_image_that_comes_late_completes_the_sweep(hutch):
    hutch.watched_images([1, 2, 3, 4, 6, 7, 8, 9, 10])
    hutch.after(100)
    hutch.image(5)
    sweep = only(hutch.after(210))
    assert (sweep.state, sweep.n_images) == ("complete", 10)


def test_an_aborted_collection_is_partial(hutch):
    hutch.watched_images(range(1, 41), changes={"N_images": "100"})
    sweep = only(hutch.after(310))
    assert (sweep.state, sweep.n_images) == ("partial", 40)
    assert sweep.reason == "40 of 100 images are there; nothing came for 5 min"


def test_an_aborted_collection_is_given_up_sooner_when_the_next_has_begun(hutch):
    hutch.watched_images(range(1, 21), changes={"N_images": "100"})
    hutch.watched_images(range(1, 21), changes={"N_images": "20"}, template="y_####.cbf")
    names = [sweep.name for sweep in hutch.after(35)]
    assert names == ["y", "x"]


def test_a_partial_sweep_that_goes_on_is_told_again_with_the_same_fingerprint(hutch):
    changes = {"N_images": "30"}
    hutch.watched_images(range(1, 21), changes=changes)
    partial = only(hutch.after(310))
    hutch.watched_images(range(21, 31), changes=changes)
    whole = only(hutch.after(10))
    assert (partial.state, partial.n_images, whole.state, whole.n_images) == ("partial", 20, "complete", 30)
    assert whole.fingerprint == partial.fingerprint


def test_the_next_sweep_in_the_directory_ends_the_one_before(hutch):
    hutch.watched_images(range(1, 21), every=1.0)
    found = hutch.watched_images(range(1, 5), template="y_####.cbf", every=1.0)
    assert [(sweep.name, sweep.n_images) for sweep in found] == [("x", 20)]


def test_wedges_that_take_turns_are_not_told_again_and_again(hutch):
    found = []
    for wedge in range(6):
        for name in ("a", "b"):
            numbers = range(10 * wedge + 1, 10 * wedge + 11)
            found += hutch.watched_images(numbers, template=f"{name}_####.cbf", every=0.5)
    found += hutch.after(60)
    told = {name: [sweep.n_images for sweep in found if sweep.name == name] for name in ("a", "b")}
    assert told["a"][-1] == told["b"][-1] == 60
    assert len(told["a"]) <= 2
    assert len(told["b"]) <= 2


def test_images_in_any_order_are_one_sweep(hutch):
    numbers = list(range(1, 41))
    random.Random(3).shuffle(numbers)
    assert hutch.watched_images(numbers) == []
    assert only(hutch.after(10)).image_range == (1, 40)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(1, 9)), st.lists(st.floats(0.0, 4.0), min_size=8, max_size=8))
def test_whatever_the_order_and_the_pauses_a_sweep_is_told_once_and_whole(tmp_path_factory, order, pauses):
    hutch = Hutch(tmp_path_factory.mktemp("any"))
    found = []
    for number, pause in zip(order, pauses, strict=True):
        hutch.image(number, changes={"N_images": "8"})
        found += hutch.after(pause) if pause else []
    found += hutch.after(400)
    assert [(sweep.state, sweep.n_images) for sweep in found] == [("complete", 8)]


def test_temporary_names_of_rsync_and_others_are_no_images(hutch):
    for n in range(1, 9):
        path = hutch.image(n)
        temporary = path.with_name(f".{path.name}.aB3xYz") if n % 2 else path.with_name(f"{path.name}.part")
        path.rename(temporary)
        assert hutch.after(0.5) == []
        temporary.rename(path)
        hutch.disk.touch(path, at=1000.0)
        hutch.disk.touch(hutch.folder)
        assert hutch.after(0.5) == []
    sweep = only(hutch.after(25))
    assert (sweep.n_images, sweep.image_range) == (8, (1, 8))


def test_a_file_that_still_grows_is_not_whole(hutch):
    hutch.watched_images(range(1, 10))
    path = hutch.image(10)
    whole = path.read_bytes()
    for size in range(500, len(whole), 700):
        path.write_bytes(whole[:size])
        hutch.disk.touch(path)
        assert hutch.after(1.5) == []
    path.write_bytes(whole)
    hutch.disk.touch(path)
    assert only(hutch.after(12)).n_images == 10


@pytest.mark.parametrize("number", [4, 10])
def test_an_image_that_was_cut_off_for_good_is_not_waited_for_long(hutch, number):
    """Whoever reads it says what is wrong with it: the sweep lacks no image."""
    hutch.watched_images([n for n in range(1, 11) if n != number])
    path = hutch.image(number)
    whole = path.read_bytes()
    path.write_bytes(whole[:600])
    assert hutch.after(15) == []
    sweep = only(hutch.after(60))
    assert sweep.n_images == 9
    assert sweep.reason == "" or "x_0010.cbf is damaged" in sweep.reason, "its header is cut off, too"
    path.write_bytes(whole)
    assert only(hutch.after(60)).n_images == 10


def test_empty_files_are_unfinished(hutch):
    hutch.watched_images(range(1, 6))
    path = hutch.image(6)
    path.write_bytes(b"")
    assert hutch.after(20) == []
    hutch.image(6)
    assert only(hutch.after(15)).n_images == 6


def test_empty_files_are_unfinished_whatever_their_compression(hutch):
    hutch.images(range(1, 7), template="x_####.cbf.gz")
    (hutch.folder / "x_0003.cbf.gz").write_bytes(b"")
    assert hutch.after(20) == []
    assert only(hutch.after(80)).n_images == 5


def test_files_may_vanish_between_listing_and_looking(hutch):
    hutch.images(range(1, 11))

    def vanish(path):
        if path.name == "x_0010.cbf" and path.exists():
            hutch.remove(path)

    hutch.disk.before_stat = vanish
    assert only(hutch.after(10)).n_images == 9


def test_a_directory_may_vanish_while_it_is_watched_and_come_again(hutch):
    hutch.watched_images(range(1, 6), folder="a/b")
    shutil.rmtree(hutch.folder / "a")
    hutch.disk.touch(hutch.folder)
    assert hutch.after(20) == []
    hutch.watched_images(range(1, 8), folder="a/b")
    assert only(hutch.after(10)).n_images == 7


def test_directories_made_later_are_watched(hutch):
    assert hutch.after(500) == []
    found = hutch.watched_images(range(1, 9), folder="crystal/run/1")
    found += hutch.after(10)
    assert only(found).path == hutch.folder / "crystal/run/1/x_####.cbf"


def test_the_root_may_be_made_later(tmp_path):
    hutch = Hutch(tmp_path / "visit")
    assert hutch.after(100) == []
    hutch.folder.mkdir()
    hutch.watched_images(range(1, 9))
    assert only(hutch.after(10)).n_images == 8


def test_circles_of_symbolic_links_end(hutch):
    folder = hutch.made("a/b")
    (folder / "up").symlink_to(hutch.folder)
    (folder / "self").symlink_to(folder)
    (hutch.folder / "again").symlink_to(folder)
    hutch.watched_images(range(1, 9), folder="a/b")
    assert only(hutch.after(100)).n_images == 8


def test_directories_behind_links_are_watched(hutch, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (hutch.folder / "link").symlink_to(elsewhere)
    hutch.after(60)
    hutch.images(range(1, 9), folder="link")
    assert only(hutch.after(60)).n_images == 8


def test_directories_behind_links_out_of_the_visit_are_listed(hutch, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (hutch.made("a/b") / "link").symlink_to(elsewhere)
    hutch.images(range(1, 9), folder="a/b/link")
    listed = only(hutch.after(60))
    assert (listed.path.name, listed.what) == ("link", "unreadable")
    assert "import_sweep.link_roots" in listed.reason
    assert hutch.after(600) == []


def test_screening_shots_stills_tests_and_photographs_are_listed(hutch):
    for number, angle in ((1, 0.0), (2, 45.0), (3, 90.0)):
        hutch.image(number, template="screen_####.cbf", start=angle)
    hutch.images(range(1, 11), template="still_####.cbf", width=0.0, start=0.0)
    hutch.image(1, template="test_####.cbf")
    (hutch.folder / "loop_0.jpg").write_bytes(b"x")
    (hutch.folder / "loop_90.jpg").write_bytes(b"x")
    found = hutch.after(20)
    assert all(isinstance(item, ListedImages) for item in found)
    listed = {item.what: (item.path.name, item.n_images, item.reason) for item in found}
    assert listed.keys() == {"screening", "stills", "test", "snapshot"}
    assert listed["screening"] == ("screen_####.cbf", 3, "screening shots at 0, 45, 90 degrees, not a sweep")
    assert listed["snapshot"][:2] == ("*.jpg", 2)
    assert "single image" in listed["test"][2]


def test_what_is_listed_becomes_a_sweep_when_it_goes_on(hutch):
    hutch.image(1)
    assert isinstance(only(hutch.after(10)), ListedImages)
    hutch.watched_images(range(2, 12))
    assert isinstance(only(hutch.after(30)), FoundSweep)


def test_other_files_do_not_matter(hutch):
    for name in ("notes.txt", "x.h5", "x_0001.cbf.tmp", "cbf", ".hidden.cbf"):
        (hutch.folder / name).write_bytes(b"nothing")
    hutch.disk.touch(hutch.folder)
    assert hutch.after(1000) == []


def test_images_that_cannot_be_imported_are_handed_on_so_that_the_user_is_told(hutch):
    hutch.images(range(1, 11), changes={"Detector_distance": None})
    sweep = only(hutch.after(20))
    assert isinstance(sweep, FoundSweep)
    assert "distance" in sweep.reason


def test_a_file_that_trips_the_program_up_costs_itself_alone(hutch, monkeypatch):
    real = answers.recognise_cbf

    def tripping(directory, visit, files, *rest):
        if "bad" in min(files.values()).name:
            raise ZeroDivisionError("oh")
        return real(directory, visit, files, *rest)

    monkeypatch.setattr(answers, "recognise_cbf", tripping)
    hutch.images(range(1, 6), template="bad_##.cbf")
    hutch.images(range(1, 6), template="good_##.cbf")
    found = hutch.after(30)
    assert [item.name for item in found if isinstance(item, FoundSweep)] == ["good"]
    assert [item.reason for item in found if isinstance(item, ListedImages)] == [
        "cannot be told (ZeroDivisionError: oh)"
    ]
    (details,) = [item.details for item in found if isinstance(item, ListedImages)]
    assert "in tripping" in details  # the log says where


def test_excluded_directories_are_passed_over(tmp_path):
    hutch = Hutch(tmp_path, exclude=("processed", "*/old/*"))
    for folder in ("processed/a", "old/b", ".hidden"):
        hutch.images(range(1, 6), folder=folder)
    assert hutch.after(100) == []


# Not twice


def test_once_takes_what_is_there_as_it_stands(tmp_path):
    hutch = Hutch(tmp_path, once=True)
    hutch.images(range(1, 11))
    hutch.images([1, 2, 3, 5, 6, 7, 8, 9, 10], template="y_####.cbf", changes={"N_images": "100"})
    hutch.clock.now += 60
    found = hutch.watcher.poll(0)
    assert {(sweep.name, sweep.state) for sweep in found} == {("x", "complete"), ("y", "partial")}
    assert hutch.watcher.n_waiting == 0
    assert hutch.watcher.poll(1000) == []
    assert hutch.clock.now < 1_000_000_100


def test_once_waits_for_what_still_grows(tmp_path):
    hutch = Hutch(tmp_path, once=True)
    hutch.images(range(1, 11))
    assert hutch.watcher.poll(0) == []
    assert hutch.watcher.n_waiting == 1
    hutch.watched_images(range(11, 21))
    assert only(hutch.watcher.poll(20)).n_images == 20
    assert hutch.watcher.n_waiting == 0


# How much is asked of the file system
