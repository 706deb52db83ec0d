"""A few damaged or missing images do not cost a sweep."""

from __future__ import annotations

import pytest
from cbf_files import write_sweep

from autoproc.errors import CorruptFile
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
        ((), (20,), (1, 40), "1 image missing (20): the sweep is processed without"),
        ((20,), (30,), (1, 40), "missing"),
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
    assert (warning is None) == (not found.warnings)
    assert warning is None or warning in found.warnings[0]


def test_damage_where_a_header_is_looked_at_does_not_split_a_sweep(sweep):
    """The first, second, last and three images between are read: all others do not matter for import."""
    (found,) = imported(sweep(empty=(2, 21))).experiments
    assert found.experiment.scan.image_range == (1, 40)
    assert "damaged (2, 21)" in found.warnings[0]
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
