"""What compiled loops are given: they look at nothing themselves, so that each array and number is looked at here.

All raise ValueError or TypeError, with `what` as the name of the argument.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

NUMERIC, COUNTING = "biuf", "biu"


def floats(values: Any, shape: tuple[int | None, ...], what: str) -> np.ndarray:
    """The same as contiguous float64, where it is of this shape; None stands for any length."""
    return _converted(values, shape, what, NUMERIC, float)


def counts(values: Any, shape: tuple[int | None, ...], what: str) -> np.ndarray:
    """The same as contiguous int32, modulo 2**32, where it is of this shape and made of whole numbers."""
    return _converted(values, shape, what, COUNTING, np.int32)


def pixels(values: Any, shape: tuple[int | None, ...], what: str) -> np.ndarray:
    """The same, contiguous, as int16 if it is so and otherwise as counts are."""
    array = np.asarray(values)
    if array.dtype != np.int16:
        return counts(array, shape, what)
    _check_shape(array, shape, what)
    return np.ascontiguousarray(array)


def flags(values: Any, shape: tuple[int | None, ...], what: str) -> np.ndarray:
    """The same as contiguous uint8, where it is of this shape and of bool or uint8; bool is not copied."""
    array = np.asarray(values)
    if array.dtype not in (np.dtype(bool), np.dtype(np.uint8)):
        raise ValueError(f"{what} must be bool or uint8, not {array.dtype}")
    _check_shape(array, shape, what)
    return np.ascontiguousarray(array).view(np.uint8)


def rows(values: Any, n: int, what: str) -> np.ndarray:
    """(N,) the same as contiguous intp, where all lie in [0, n)."""
    array = np.asarray(values)
    if array.size == 0 and array.ndim == 1:
        return np.empty(0, np.intp)
    if array.dtype.kind not in COUNTING:
        raise ValueError(f"{what} must be whole numbers, not {array.dtype}")
    _check_shape(array, (None,), what)
    if not 0 <= array.min() <= array.max() < n:
        raise ValueError(f"{what} must lie in [0, {n})")
    return np.ascontiguousarray(array, np.intp)


def require_arrays(*values: Any) -> None:
    """Raises TypeError where one is no array: what is written into, or shared, cannot be made one."""
    for value in values:
        if not isinstance(value, np.ndarray):
            raise TypeError(f"expected an array, not {type(value).__name__}")


def whole(value: Any, low: int, high: int, what: str) -> int:
    """A whole number from low to high."""
    found = operator.index(value)
    if not low <= found <= high:
        raise ValueError(f"{what} is {found}, expected {low} to {high}")
    return found


def number(value: Any, what: str, low: float = -math.inf, high: float = math.inf) -> float:
    """A number from low to high, which NaN is not."""
    try:
        found = float(value)
    except OverflowError:
        found = math.nan
    if not low <= found <= high:
        raise ValueError(f"{what} is {found}, expected {low} to {high}")
    return found


def positive(value: Any, what: str) -> float:
    """A finite number above 0, by which one may divide."""
    return number(value, what, float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max))


def _converted(values: Any, shape: tuple[int | None, ...], what: str, kinds: str, dtype: Any) -> np.ndarray:
    array = np.asarray(values)
    if array.size and array.dtype.kind not in kinds:
        raise ValueError(f"{what} cannot be {array.dtype}")
    _check_shape(array, shape, what)
    return np.ascontiguousarray(array, dtype)


def _check_shape(array: np.ndarray, shape: tuple[int | None, ...], what: str) -> None:
    if array.ndim != len(shape) or any(n not in (None, m) for n, m in zip(shape, array.shape, strict=True)):
        expected = ", ".join("N" if n is None else str(n) for n in shape)
        raise ValueError(f"{what} is of shape {array.shape}, expected ({expected})")
