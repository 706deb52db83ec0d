from __future__ import annotations

import numpy as np

from autoproc.formats.repeated_records import codes_of, is_repeat, is_shared


def test_rows_are_alike_to_the_last_digit_or_not():
    a, b = np.array([1, 1, 1, 2, 1]), np.array([0.5, 0.5, np.nextafter(0.5, 1), 0.5, np.nextafter(0.5, 1)])
    assert is_repeat(codes_of([a, b])).tolist() == [False, True, False, False, True]


def test_columns_are_not_mixed_up():
    assert not is_repeat(codes_of([np.array([1, 2]), np.array([2, 1])])).any()
    assert not is_repeat(codes_of([np.array([0, 1]), np.array([1, 0]), np.array([1, 1])])).any()


def test_what_is_unknown_and_zero_of_either_sign_are_alike():
    assert is_repeat(codes_of([np.array([np.nan, np.nan, 0.0, -0.0])])).tolist() == [False, True, False, True]


def test_a_million_different_rows_are_told_apart():
    index = np.arange(1_000_000)
    assert not is_repeat(codes_of([index // 1000, index % 1000, np.zeros(len(index))])).any()


def test_rows_of_a_mask_that_share_a_code():
    codes = np.array([7, 7, 8, 8, 9])
    assert is_shared(codes, np.array([True, True, True, False, True])).tolist() == [True, True, False, False, False]
    assert not is_shared(codes, np.zeros(5, bool)).any()
