"""Linear algebra on one thread, however the program was started."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

P = ParamSpec("P")
R = TypeVar("R")


def single_threaded_blas(function: Callable[P, R]) -> Callable[P, R]:
    """The same function, during which BLAS keeps to one thread; afterwards it may have as many as before.

    The stages have threads of their own, and the matrices are small: BLAS with more threads takes several times
    the processor time for the same wall time, and sums in an order that depends on their number.
    """

    @wraps(function)
    def limited(*arguments: P.args, **keywords: P.kwargs) -> R:
        with _libraries().limit(limits=1, user_api="blas"):
            return function(*arguments, **keywords)

    return limited


@lru_cache(maxsize=1)
def _libraries() -> ThreadpoolController:
    """Those that have threads, looked for once among all that is loaded: it takes as long as a small stage."""
    import scipy.linalg  # noqa: F401, PLC0415  (which brings a BLAS of its own)

    return ThreadpoolController()
