"""Work shared by threads: results in order, the same with any number of them."""

from __future__ import annotations

import threading

import pytest

from autoproc.threads import map_in_order, side_by_side


@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_results_come_in_the_order_of_the_items(n_threads):
    assert list(map_in_order(lambda n: n**2, range(20), n_threads)) == [n**2 for n in range(20)]


def test_tasks_are_under_way_together(monkeypatch):
    """Each waits for the other to have begun."""
    monkeypatch.setattr("autoproc.threads.available_cores", lambda: 2)
    begun = threading.Barrier(2, timeout=20)
    assert side_by_side(lambda: begun.wait() >= 0 and "one", lambda: begun.wait() >= 0 and "other") == ["one", "other"]


@pytest.mark.parametrize("n_threads", [1, 2])
def test_the_first_failure_in_the_order_of_the_tasks_is_raised(monkeypatch, n_threads):
    monkeypatch.setattr("autoproc.threads.available_cores", lambda: n_threads)

    def fail(name):
        raise ValueError(name)

    with pytest.raises(ValueError, match="first"):
        side_by_side(lambda: 1, lambda: fail("first"), lambda: fail("second"))
