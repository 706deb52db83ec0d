from __future__ import annotations

import importlib
import inspect
import pkgutil
import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import autoproc.stages
from autoproc.linear_algebra import one_blas_thread, single_threaded_blas

np.linalg.inv(np.eye(2))  # so that BLAS is there
BLAS = [library for library in threadpool_info() if library["user_api"] == "blas"]
NO_STAGES = ("pipeline", "import_sweep", "early_work", "sharing")
"""What joins stages, works on files alone, is handed to them or asked by them."""
STAGES = [m.name for m in pkgutil.iter_modules(autoproc.stages.__path__) if m.name not in NO_STAGES]


def n_blas_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


@pytest.mark.skipif(not BLAS, reason="numpy has no BLAS whose threads can be set")
def test_one_thread_while_it_runs_and_as_many_as_before_after():
    @single_threaded_blas
    def seen(fail: bool = False) -> set[int]:
        """Of a stage."""
        if fail:
            raise ZeroDivisionError
        return n_blas_threads()

    assert seen.__doc__ == "Of a stage."
    with threadpool_limits(3, user_api="blas"):
        assert seen() == {1}
        assert n_blas_threads() == {3}
        with pytest.raises(ZeroDivisionError):
            seen(fail=True)
        assert n_blas_threads() == {3}


@pytest.mark.parametrize("name", STAGES)
def test_every_stage_keeps_to_one_thread(name):
    """A stage's function is the one that takes its parameters."""
    module = importlib.import_module(f"autoproc.stages.{name}")
    functions = [f for _, f in inspect.getmembers(module, inspect.isfunction) if f.__module__ == module.__name__]
    stages = [f for f in functions if f.__name__ in (name, f"{name}_position")]
    assert stages
    assert all("single_threaded_blas" in f.__code__.co_qualname for f in stages)


@pytest.mark.skipif(not BLAS, reason="numpy has no BLAS whose threads can be set")
def test_one_that_ends_leaves_another_its_single_thread():
    """They end in another order than they began, and the first of them is not the last."""
    begun, may_end, seen = threading.Event(), threading.Event(), []

    @single_threaded_blas
    def other():
        begun.set()
        may_end.wait(30)
        seen.append(n_blas_threads())

    thread = threading.Thread(target=other)

    @single_threaded_blas
    def one():
        thread.start()
        begun.wait(30)

    with threadpool_limits(3, user_api="blas"):
        one()
        may_end.set()
        thread.join(30)
        assert seen == [{1}]


@pytest.mark.skipif(not BLAS, reason="numpy has no BLAS whose threads can be set")
def test_threads_of_a_process_that_keeps_to_one():
    seen = []
    with threadpool_limits(3, user_api="blas"):
        with one_blas_thread:
            thread = threading.Thread(target=single_threaded_blas(lambda: seen.append(n_blas_threads())))
            thread.start()
            thread.join(30)
            assert seen == [n_blas_threads()] == [{1}]
        assert n_blas_threads() == {3}


@pytest.mark.skipif(not BLAS, reason="numpy has no BLAS whose threads can be set")
def test_one_within_another():
    inner = single_threaded_blas(n_blas_threads)

    @single_threaded_blas
    def outer():
        return inner(), n_blas_threads()

    with threadpool_limits(3, user_api="blas"):
        assert outer() == ({1}, {1})
        assert n_blas_threads() == {3}
