"""Shadows and hot pixels come back as they were found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.errors import CorruptFile, UnreadableFile
from autoproc.formats.dials.untrusted_pixels import read_untrusted, write_untrusted
from autoproc.viewing.subject import Subject
from autoproc.viewing.untrusted_view import runs, untrusted_facts


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 30))
def test_runs_cover_the_mask_and_nothing_else(seed, n_slow, n_fast):
    mask = np.random.default_rng(seed).random((n_slow, n_fast)) < 0.6
    again = np.zeros_like(mask)
    for y, x0, x1 in runs(mask):
        assert not again[y, x0:x1].any()
        again[y, x0:x1] = True
    np.testing.assert_array_equal(again, mask)


def test_what_was_written_is_told(tmp_path):
    shadowed, hot = np.zeros((2, 21, 33), bool)
    shadowed[3, 4:9] = True
    hot[7, 30] = True
    write_untrusted(tmp_path / "u.npz", shadowed, hot)
    for one, other in zip(read_untrusted(tmp_path / "u.npz"), (shadowed, hot), strict=True):
        np.testing.assert_array_equal(one, other)
    facts = untrusted_facts(Subject("a", untrusted=tmp_path / "u.npz"))
    assert facts["shadow"] == [[3, 4, 9]]
    assert facts["hot"] == [[30, 7]]


def test_where_nothing_was_kept_that_is_said():
    assert "not kept" in untrusted_facts(Subject("a"))["words"]


@pytest.mark.parametrize("content", [b"", b"PK", b"\x93NUMPY junk", b"PK\x03\x04" + b"\0" * 100])
def test_damage_is_told_by_name(tmp_path, content):
    path = tmp_path / "untrusted.npz"
    path.write_bytes(content)
    with pytest.raises(CorruptFile, match=r"untrusted\.npz"):
        read_untrusted(path)


def test_a_size_beyond_any_detector_is_refused(tmp_path):
    path = tmp_path / "untrusted.npz"
    np.savez(path, shape=np.array([1 << 20, 1 << 20]), shadowed=np.zeros(1, np.uint8), hot=np.zeros(1, np.uint8))
    with pytest.raises(CorruptFile):
        read_untrusted(path)


def test_a_file_that_is_gone(tmp_path):
    with pytest.raises(UnreadableFile):
        read_untrusted(Path(tmp_path / "no.npz"))
