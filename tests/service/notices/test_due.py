"""Notices that are due: once as something begins, once when it is over, and no more than there may be."""

import pytest

from autoproc.service.notices.due import MOST_HELD, Notice, ToldTroubles


@pytest.fixture
def standing():
    return ToldTroubles(most_an_hour=4, settled_for=60.0)


def test_what_begins_is_told_once_and_so_is_its_end(standing):
    assert standing.due({"queue": "51 wait"}, 0.0) == [Notice("queue", "begins", "queue long: 51 wait")]
    assert standing.due({"queue": "99 wait"}, 1000.0) == []
    assert standing.due({}, 1010.0) == []
    assert standing.due({}, 1069.0) == []
    assert standing.due({}, 1070.0) == [Notice("queue", "over", "over: queue long")]
    assert standing.due({}, 5000.0) == []


def test_what_comes_and_goes_is_told_once(standing):
    assert len(standing.due({"late": "x"}, 0.0)) == 1
    for second in range(10, 500, 20):
        assert standing.due({}, second) == []
        assert standing.due({"late": "x"}, second + 10) == []


def test_what_begins_anew_is_told_anew(standing):
    standing.due({"disk": "x"}, 0.0)
    standing.due({}, 10.0)
    standing.due({}, 80.0)
    assert standing.due({"disk": "y"}, 90.0) == [Notice("disk", "begins", "disk filling: y")]


def test_beyond_the_limit_they_are_kept_and_sent_together_when_there_is_room(standing):
    standing.settled_for = 0.0
    sent = [notice for n in range(4) for notice in standing.due({"late": "x"} if n % 2 == 0 else {}, float(n))]
    assert len(sent) == 4
    assert standing.due({"late": "again"}, 10.0) == []
    assert standing.due({"disk": "full"}, 20.0) == []
    assert standing.due({"disk": "full"}, 3599.0) == []
    text = "images late: again\ndisk filling: full\nover: images late"
    assert standing.due({"disk": "full"}, 3600.0) == [Notice("late,disk", "several", text)]
    assert standing.due({"disk": "full"}, 3700.0) == []


def test_those_that_come_at_once_are_one_where_there_is_room_for_one_only():
    standing = ToldTroubles(most_an_hour=1, settled_for=60.0)
    (notice,) = standing.due({"late": "a", "disk": "b"}, 0.0)
    assert (notice.what, notice.state) == ("late,disk", "several")


def test_no_more_are_kept_than_somebody_reads():
    standing = ToldTroubles(most_an_hour=1, settled_for=0.0)
    standing.due({"late": "x"}, 0.0)
    for n in range(100):
        standing.due({"disk": "x"} if n % 2 else {}, 1.0 + n)
    (notice,) = standing.due({}, 4000.0)
    assert len(notice.text.splitlines()) == MOST_HELD


def test_a_clock_that_is_put_back_does_not_silence_it(standing):
    for n in range(4):
        standing.sent.append(1e9 + n)
    assert len(standing.due({"disk": "x"}, 1000.0)) == 1


def test_a_program_that_is_started_again_does_not_tell_anew(standing, tmp_path):
    path = tmp_path / "notices.json"
    standing.due({"disk": "x"}, 0.0)
    standing.write(path)
    other = ToldTroubles(most_an_hour=4, settled_for=60.0)
    other.read(path)
    assert other.sent == [0.0]
    assert other.due({"disk": "x"}, 10.0) == []
    other.due({}, 20.0)
    assert other.due({}, 100.0) == [Notice("disk", "over", "over: disk filling")]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"since": 3}', '{"since": {"disk": NaN, "x": 1}, "sent": ["y"], "held": []}',
     '{"since": {}, "sent": [], "held": [1]}', "[" * 50000,
     '{"since": {"disk": true}, "sent": [Infinity], "held": []}'],
)  # fmt: skip
def test_a_damaged_file_says_nothing(standing, tmp_path, text):
    (tmp_path / "notices.json").write_text(text)
    standing.read(tmp_path / "notices.json")
    assert standing.sent == []
    assert len(standing.due({"disk": "x", "late": "y"}, 10.0)) == 2
