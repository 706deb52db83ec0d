"""What waits can be put first or last; what does not wait cannot."""

from __future__ import annotations

import pytest
from queued import begun, finished, found, queue_in


@pytest.fixture
def queue(tmp_path):
    queue = queue_in(tmp_path)
    finished(queue, "done")
    for name in "abc":
        queue.add(found(name))
    yield queue
    queue.close()


def order(queue):
    return "".join(begun(queue).name for _ in range(3))


def test_the_last_that_was_put_first_is_first(queue):
    for name in "bc":
        assert queue.priorities.change(queue.named(name).id)
    assert order(queue) == "cba"


def test_the_same_twice_changes_nothing(queue):
    for _ in range(2):
        queue.priorities.change(queue.named("c").id)
    assert queue.named("c").priority == 1.0


def test_it_goes_before_what_was_asked_for_by_hand(queue):
    queue.reprocess("done", {})
    queue.priorities.change(queue.named("c").id)
    assert begun(queue).name == "c"


def test_a_sweep_can_be_put_behind_all_others(queue):
    queue.priorities.change(queue.named("a").id, -5.0)
    assert order(queue) == "bca"


def test_what_does_not_wait_keeps_its_priority(queue):
    assert not queue.priorities.change(queue.named("done").id)
    assert queue.named("done").priority == 0.0
