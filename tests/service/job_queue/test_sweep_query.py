"""Lists of sweeps: every condition holds for each that is found, and pages of a list are the list."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from queued import begun, finished, found, queue_in

from autoproc.service.job_queue.sweep_query import ORDERS, SweepQuery


@pytest.fixture(scope="module")
def queue(tmp_path_factory):
    queue = queue_in(tmp_path_factory.mktemp("list"))
    for number in range(12):
        verdict = ("good", "look", "bad")[number % 3]
        finished(queue, f"lyso_{number}", verdict=verdict, d_min=1.0 + 0.1 * number)
    finished(queue, "100%_tau", space_group="P 41 21 2", d_min=None)
    finished(queue, "broken", status="failed", error="no spots", verdict=None, d_min=None)
    queue.add(found("at_work", visit="/other"))
    begun(queue)
    queue.add(found("waiting", visit="/other"))
    yield queue
    queue.close()


def names(queue, **asked):
    return [job.name for job in queue.overview.list.find(SweepQuery(**asked)).jobs]


def test_all_are_found_without_conditions(queue):
    assert queue.overview.list.find(SweepQuery()).n_found == 16


def test_text_is_part_of_a_name_a_path_or_a_space_group(queue):
    assert names(queue, text="TAU") == ["100%_tau"]
    assert names(queue, text="p 41") == ["100%_tau"]
    assert set(names(queue, text="/data/brok")) == {"broken"}


@pytest.mark.parametrize("text", ["%", "0%_", "_tau"])
def test_signs_of_sql_are_letters(queue, text):
    assert names(queue, text=text) == ["100%_tau"]


def test_states_and_verdicts_are_chosen(queue):
    assert set(names(queue, states=("running", "queued"))) == {"at_work", "waiting"}
    assert len(names(queue, verdicts=("bad",))) == 4
    assert names(queue, states=("failed",)) == ["broken"]
    assert names(queue, states=("failed",), verdicts=("bad",)) == []


def test_a_visit_is_chosen(queue):
    assert set(names(queue, visit="/other")) == {"at_work", "waiting"}


def test_sweeps_without_the_figure_come_last_either_way(queue):
    for is_descending in (False, True):
        listed = names(queue, order="d_min", is_descending=is_descending)
        assert set(listed[-4:]) == {"100%_tau", "broken", "at_work", "waiting"}
        assert listed[0] == ("lyso_11" if is_descending else "lyso_0")


@given(order=st.sampled_from(sorted(ORDERS)), down=st.booleans(), size=st.integers(1, 7))
def test_pages_are_the_list(queue, order, down, size):
    whole = names(queue, order=order, is_descending=down)
    pages = [names(queue, order=order, is_descending=down, first=n, most=size) for n in range(0, len(whole), size)]
    assert [name for page in pages for name in page] == whole
    assert len(set(whole)) == 16


def test_an_unknown_order_is_an_error(queue):
    with pytest.raises(KeyError):
        names(queue, order="name; DROP TABLE jobs")


def test_numbers_in_names_and_folders_are_sorted_by_their_value(tmp_path):
    queue = queue_in(tmp_path)
    try:
        for name in ("x_10", "x_2", "X_1", "x_01a"):
            queue.add(found(name, path=Path(f"/data/{name}/i_####.cbf")))
        queue.add(found("odd", path=Path("/data/\udce9_3/i_####.cbf")))  # bytes that are no UTF-8
        assert names(queue, order="name", is_descending=False) == ["odd", "X_1", "x_01a", "x_2", "x_10"]
        assert names(queue, order="name") == ["x_10", "x_2", "x_01a", "X_1", "odd"]
        by_folder = names(queue, by_folder=True, is_descending=False)
        assert by_folder == ["X_1", "x_01a", "x_2", "x_10", "odd"]
        queue.add(found("x_3", path=Path("/data/x_3/i_####.cbf")))  # after somebody has sorted
        assert names(queue, order="name") == ["x_10", "x_3", "x_2", "x_01a", "X_1", "odd"]
        assert names(queue, by_folder=True, is_descending=False)[2:4] == ["x_2", "x_3"]
    finally:
        queue.close()


def test_the_tally_follows_every_change_as_if_it_were_counted_anew(tmp_path):
    queue = queue_in(tmp_path)

    def agrees():
        anew = queue_in(tmp_path)
        counted = anew.overview.list.tally()
        anew.close()
        return queue.overview.list.tally() == counted

    try:
        assert agrees()  # of nothing
        for number in range(4):
            finished(queue, f"lyso_{number}", verdict=("good", "look")[number % 2])
            assert agrees()
        queue.add(found("tau"))
        assert queue.overview.list.tally()["queued", ""] == 1
        begun(queue)
        assert agrees()
        queue.reprocess("lyso_1", {})
        queue.cancel("tau")
        assert agrees()
        assert queue.overview.list.tally()["processed", "look"] == 1
    finally:
        queue.close()
