"""A few damaged or missing images do not cost a sweep."""

from __future__ import annotations

import json

import pytest
from cbf_files import write_sweep

from autoproc.errors import CorruptFile
from autoproc.formats.dials.expt import read_expt, write_expt
from autoproc.formats.images.damaged_frames import ForgivingReader
from autoproc.formats.registry import open_reader
from autoproc.importing.damaged import left_out, usable_numbers
from autoproc.overrides import BadParameter, with_overrides
from autoproc.stages.import_sweep import ImportParams, import_sweeps


def imported(path, **params):
    return import_sweeps([path], ImportParams(**params))


@pytest.fixture
def sweep(tmp_path):
    """40 images, of which some can be emptied or taken away."""

    def written(empty=(), missing=()):
        files = dict(zip(range(1, 41), write_sweep(tmp_path, "x_####.cbf", range(1, 41)), strict=True))
        for number in empty:
            files[number].write_bytes(b"")
        for number in missing:
            files[number].unlink()
        return tmp_path

    return written


@pytest.mark.parametrize(
    ("empty", "missing", "image_range", "warning"),
    [
        ((), (), (1, 40), None),
        ((), (20,), (1, 40), "1 image is missing (20): the sweep is processed without"),
        ((20,), (30,), (1, 40), "1 image is missing (30)"),
        ((1,), (), (2, 40), "image 1 left out"),
        ((1, 40), (), (2, 39), "image 1 left out"),
        ((), (10, 11, 30), (12, 29), "3 images missing (10-11, 30): the longest unbroken run, 12 to 29, is used"),
    ],
)
def test_a_few_lack(sweep, empty, missing, image_range, warning):
    (found,) = imported(sweep(empty, missing)).experiments
    assert found.experiment.scan.image_range == image_range
    start, width = found.experiment.scan.oscillation
    assert start == pytest.approx(10.0 + (image_range[0] - 1) * width)
    said = [*found.warnings, *found.tolerated]
    assert (warning is None) == (not said)
    assert warning is None or warning in said[0]


def test_damage_where_a_header_is_looked_at_does_not_split_a_sweep(sweep):
    """The first, second, last and three images between are read: all others do not matter for import."""
    (found,) = imported(sweep(empty=(2, 21))).experiments
    assert found.experiment.scan.image_range == (1, 40)
    assert not found.warnings
    assert [said.partition(":")[0] for said in found.tolerated] == ["image 2 left out", "image 21 left out"]
    assert len(found.files) == 40


def test_many_are_an_error(sweep):
    (failure,) = imported(sweep(empty=range(1, 10))).failures
    assert failure.name == "x"
    assert isinstance(failure.error, CorruptFile)
    assert "x_0001.cbf is damaged: it is empty" in str(failure.error)


def test_none_is_forgiven_on_request(sweep):
    path = sweep(empty=(2,), missing=(30,))
    assert imported(path, max_damaged_fraction=0).failures
    (found,) = imported(path, max_damaged_fraction=0.05).experiments
    assert found.experiment.scan.n_images == 40


def test_who_reads_the_images_says_the_same_once(sweep):
    """Import tells what the reader will meet in the words of the reader, apart from its own warnings."""
    (found,) = imported(sweep(empty=(2,), missing=(30,))).experiments
    reader = ForgivingReader(open_reader(found.experiment), 0.05)
    for frame in range(reader.n_frames):
        reader.read(frame)
    assert tuple(reader.warnings(1)) == found.tolerated


@pytest.mark.parametrize("text", ["5,7-9", "5 7:9", "7-9, 5"])
def test_excluded_images_are_named_and_neither_missing_nor_read(sweep, text):
    path = sweep(empty=(8,), missing=(9,))
    params = with_overrides(ImportParams(), {"exclude_images": text}, "import_sweep")
    (found,) = import_sweeps([path], params).experiments
    assert found.experiment.scan.excluded == (5, 7, 8, 9)
    assert found.warnings == ("4 images left out as exclude_images says: 5, 7-9",)
    assert not found.tolerated
    reader = ForgivingReader(open_reader(found.experiment), 0.05)
    assert [n for n in range(1, 41) if reader.read(n - 1).max() < 0] == [5, 7, 8, 9]
    assert not reader.damaged
    assert reader.mask.any()


def test_many_excluded_images_do_not_break_a_sweep(sweep):
    (found,) = imported(sweep(), exclude_images=["10-30"]).experiments
    assert found.experiment.scan.image_range == (1, 40)
    (found,) = imported(sweep(), exclude_images=["1-30"]).experiments
    assert found.experiment.scan.image_range == (31, 40)
    assert found.experiment.scan.oscillation[0] == pytest.approx(25.0)


def test_what_was_chosen_beyond_the_images_is_told(sweep):
    (found,) = imported(sweep(), image_range=(21, 400), exclude_images=["30", "50-60"]).experiments
    assert found.experiment.scan.image_range == (21, 40)
    assert "image_range 21 to 400 goes beyond the images, 1 to 40" in found.warnings
    assert "exclude_images 50-60 goes beyond the images, 1 to 40" in found.warnings


def test_nothing_is_left(sweep):
    (skipped,) = imported(sweep(), exclude_images=["1-99"]).skipped
    assert skipped.reason == "every image is excluded"


@pytest.mark.parametrize("wrong", ["x", "9-5", "-3", "1.5"])
def test_excluded_images_that_are_no_numbers(wrong):
    with pytest.raises(BadParameter, match="is neither an image's number nor a range"):
        with_overrides(ImportParams(), {"exclude_images": wrong}, "import_sweep")


def test_excluded_images_come_back_from_the_file(sweep, tmp_path):
    (found,) = imported(sweep(), exclude_images=["5", "7-9", "40"]).experiments
    write_expt(tmp_path / "x.expt", [found.experiment])
    (back,) = read_expt(tmp_path / "x.expt")
    assert back.scan.excluded == found.experiment.scan.excluded
    written = json.loads((tmp_path / "x.expt").read_text())["scan"][0]["valid_image_ranges"]
    assert written == {found.experiment.identifier: [[1, 4], [6, 6], [10, 39]]}


@pytest.mark.parametrize(
    ("present", "used", "said"),
    [
        ([], None, ""),
        ([1, 2, 3], (1, 3), ""),
        ([*range(1, 31), *range(32, 61)], (1, 60), "1 image is missing (31): the sweep is processed without"),
        (
            [*range(1, 31), *range(41, 61)], (1, 30),
            "10 images missing (31-40): the longest unbroken run, 1 to 30, is used; 20 images on the other side of "
            "the gap left out",
        ),
    ],
)  # fmt: skip
def test_gaps_in_a_stack_are_tolerated_as_those_between_files(present, used, said):
    assert usable_numbers(present, 0.05) == used
    assert used is None or left_out(present, used) == said
