"""Things are made once, and let go when there is no room."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from autoproc.viewing.image_cache import BoundedCache


@dataclass
class Thing:
    n_bytes: int


def test_what_was_not_asked_for_longest_is_let_go():
    cache, made = BoundedCache(100), []

    def ask(key):
        return cache.ask(key, lambda: made.append(key) or Thing(40))

    for key in ("a", "b", "a", "c", "a", "b"):
        ask(key)
    assert made == ["a", "b", "c", "b"]
    assert cache.n_bytes == 80


def test_there_are_no_more_than_were_allowed():
    cache, made = BoundedCache(100, most=2), []
    for key in ("a", "b", "a", "c", "a", "b"):
        cache.ask(key, lambda key=key: made.append(key) or Thing(1))
    assert made == ["a", "b", "c", "b"]
    assert cache.n_bytes == 2


def test_nobody_waits_for_what_another_asked_for():
    cache, begun, go_on = BoundedCache(100), threading.Event(), threading.Event()

    def make():
        begun.set()
        go_on.wait(5)
        return Thing(1)

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(cache.ask, "slow", make)
        begun.wait(5)
        assert cache.ask("other", lambda: Thing(2)).n_bytes == 2
        assert not slow.done()
        go_on.set()


def test_what_is_larger_than_the_room_is_given_all_the_same():
    cache = BoundedCache(10)
    assert cache.ask("a", lambda: Thing(50)).n_bytes == 50
    assert cache.ask("b", lambda: Thing(5)).n_bytes == 5
    assert cache.n_bytes == 5


def test_those_who_ask_together_wait_for_one():
    cache, begun, go_on, made = BoundedCache(100), threading.Event(), threading.Event(), []

    def make():
        made.append(1)
        begun.set()
        go_on.wait(5)
        return Thing(1)

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(cache.ask, "a", make)
        begun.wait(5)
        others = [pool.submit(cache.ask, "a", make) for _ in range(2)]
        go_on.set()
        assert {id(one.result()) for one in (first, *others)} == {id(first.result())}
    assert made == [1]


def test_an_error_is_told_and_not_kept():
    cache = BoundedCache(100)

    def fail():
        raise ValueError("no image")

    with pytest.raises(ValueError, match="no image"):
        cache.ask("a", fail)
    assert cache.ask("a", lambda: Thing(1)).n_bytes == 1
