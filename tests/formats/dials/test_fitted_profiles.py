"""Profiles are read as they were written, and damaged files are refused by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autoproc.errors import CorruptFile, UnreadableFile
from autoproc.formats.dials.fitted_profiles import StoredProfiles, read_profiles, write_profiles

PROFILES = StoredProfiles(
    (300, 250), 3, np.array([4.5, 9.0]), np.random.default_rng(1).random((2, 18, 13, 13)).astype(np.float32),
)  # fmt: skip


def test_what_was_written_is_read(tmp_path):
    write_profiles(tmp_path / "profiles.npz", PROFILES)
    found = read_profiles(tmp_path / "profiles.npz")
    assert (found.shape, found.n) == (PROFILES.shape, PROFILES.n)
    np.testing.assert_array_equal(found.ends, PROFILES.ends)
    np.testing.assert_array_equal(found.coefficients, PROFILES.coefficients)


@pytest.mark.parametrize(
    "changes",
    [
        {"n": 0},
        {"n": 5},
        {"n": 10**9},
        {"shape": (0, 250)},
        {"ends": np.array([9.0, 4.5])},
        {"ends": np.array([4.5, np.nan])},
        {"ends": np.array([4.5])},
        {"coefficients": np.zeros((2, 18, 13))},
        {"coefficients": np.zeros((2, 18, 13, 12))},
        {"coefficients": np.full((2, 18, 13, 13), np.inf)},
        {"coefficients": np.zeros((2, 0, 13, 13))},
    ],
)
def test_what_cannot_be_is_refused(tmp_path, changes):
    write_profiles(tmp_path / "profiles.npz", replace(PROFILES, **changes))
    with pytest.raises(CorruptFile, match=r"profiles\.npz"):
        read_profiles(tmp_path / "profiles.npz")


def test_a_file_that_was_cut_is_refused(tmp_path):
    path = tmp_path / "profiles.npz"
    write_profiles(path, PROFILES)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises((CorruptFile, UnreadableFile), match=r"profiles\.npz"):
        read_profiles(path)
