"""Linear algebra on one thread, however the program was started."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

P = ParamSpec("P")
R = TypeVar("R")


def single_threaded_blas(function: Callable[P, R]) -> Callable[P, R]:
    """The same function, during which BLAS keeps to one thread; afterwards it may have as many as before.

    The stages have threads of their own, and the matrices are small: BLAS with more threads takes several times
    the processor time for the same wall time, and sums in an order that depends on their number.
    """

    @wraps(function)
    def limited(*arguments: P.args, **keywords: P.kwargs) -> R:
        with threadpool_limits(1, user_api="blas"):
            return function(*arguments, **keywords)

    return limited
