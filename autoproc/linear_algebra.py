"""Linear algebra on one thread, however the program was started."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

P = ParamSpec("P")
R = TypeVar("R")


class _OneThread:
    """A context in which BLAS keeps to one thread: from when the first of several is entered until the last is left.

    How many threads it has is one number for the whole process: a function that gives back what it found would
    give it to another that still runs. OpenBLAS takes notice of the main thread only: see keep_to_one_blas_thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_running = 0
        self._limits: Any = None

    def __enter__(self) -> None:
        with self._lock:
            if self._n_running == 0:
                self._limits = _libraries().limit(limits=1, user_api="blas")
            self._n_running += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._n_running -= 1
            if self._n_running == 0 and self._limits is not None:
                self._limits.restore_original_limits()
                self._limits = None


one_blas_thread = _OneThread()


def keep_to_one_blas_thread() -> None:
    """For the rest of a process, whichever of its threads stages run on. To be called by its main thread."""
    one_blas_thread.__enter__()


def single_threaded_blas(function: Callable[P, R]) -> Callable[P, R]:
    """The same function, during which BLAS keeps to one thread; afterwards it may have as many as before.

    The stages have threads of their own, and the matrices are small: BLAS with more threads takes several times
    the processor time for the same wall time, and sums in an order that depends on their number.
    """

    @wraps(function)
    def limited(*arguments: P.args, **keywords: P.kwargs) -> R:
        with one_blas_thread:
            return function(*arguments, **keywords)

    return limited


@lru_cache(maxsize=1)
def _libraries() -> ThreadpoolController:
    """Those that have threads, looked for once among all that is loaded: it takes as long as a small stage."""
    import scipy.linalg  # noqa: F401, PLC0415  (which brings a BLAS of its own)

    return ThreadpoolController()
