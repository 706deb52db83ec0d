"""What is wrong, from facts alone: nothing below its limit, everything beyond it, and nothing whose limit is 0."""

from dataclasses import replace

import pytest
from queued import begun, finished, found, queue_in

from autoproc.service.job_queue.job import JobState
from autoproc.service.notices.conditions import Late, NoticeFacts, Room, conditions, lacks_beam
from autoproc.service.notices.params import NoticeParams

PARAMS = NoticeParams()
NEVER = NoticeParams(images_late=0, beam_off=0, queue_long=0, disk_free=0, failures_in_row=0)


@pytest.fixture
def queue(tmp_path):
    queue = queue_in(tmp_path)
    yield queue
    queue.close()


@pytest.fixture
def job(queue):
    return finished(queue, "x", n_without_beam=0)


def failed(job, name, why="no spots were found"):
    return replace(job, name=name, state=JobState.failed, error=why, result={"status": "failed"})


def dark(job, name, n=40):
    return replace(job, name=name, result={**job.result, "n_without_beam": n})


def test_images_are_late_where_none_has_come_for_longer_than_the_limit():
    late = [Late("slow", 12, 121.0), Late("quick", 3, 119.0)]
    assert conditions(NoticeFacts(late=late), PARAMS) == {"late": "no image for 2 min: slow (12 there)"}
    assert conditions(NoticeFacts(late=late[1:]), PARAMS) == {}


def test_the_beam_is_off_where_the_last_sweeps_in_a_row_had_none(job):
    first, second = dark(job, "a"), dark(job, "b")
    said = {"beam": "2 sweeps in a row without beam, or without a spot: a, b"}
    assert conditions(NoticeFacts(ended=[first, second, job]), PARAMS) == said
    assert conditions(NoticeFacts(ended=[first, job, second]), PARAMS) == {}
    assert conditions(NoticeFacts(ended=[first]), PARAMS) == {}


def test_a_sweep_lacks_beam_from_a_tenth_of_its_images_on_or_without_a_spot(job):
    assert job.result["n_images"] == 90
    assert not lacks_beam(dark(job, "x", 9))
    assert lacks_beam(dark(job, "x", 10))
    spotless = failed(job, "x")
    assert not lacks_beam(spotless)
    assert lacks_beam(replace(spotless, result={"error_stage": "find_spots", "n_spots": None}))
    assert not lacks_beam(replace(spotless, result={"error_stage": "find_spots", "n_spots": 12}))


def test_the_queue_is_long_beyond_its_limit():
    assert conditions(NoticeFacts(n_waiting=50), PARAMS) == {}
    assert conditions(NoticeFacts(n_waiting=51), PARAMS) == {"queue": "51 sweeps wait to be processed"}


def test_disks_that_fill_are_named():
    rooms = [Room("/data", 0.04, 4 * 10**9), Room("/results", 0.06, 10**12)]
    assert conditions(NoticeFacts(rooms=rooms), PARAMS) == {"disk": "little room is left: /data (4.0%, 4 GB)"}


def test_failures_count_in_a_row_and_the_last_is_told(job):
    ended = [failed(job, f"f{n}", f"why {n}") for n in range(5)]
    said = {"failures": "the last 5 sweeps failed, of these f0: why 0"}
    assert conditions(NoticeFacts(ended=ended), PARAMS) == said
    assert conditions(NoticeFacts(ended=[*ended[:4], job, ended[4]]), PARAMS) == {}
    set_aside = [replace(one, state=JobState.set_aside) for one in ended]
    assert set(conditions(NoticeFacts(ended=set_aside), PARAMS)) == {"failures"}


def test_what_nobody_wants_to_hear_is_not_told(job):
    ended = [failed(dark(job, "x"), "x") for _ in range(9)]
    rooms = [Room("/data", 0.0, 0)]
    assert len(conditions(NoticeFacts([Late("x", 1, 1e9)], 10**6, ended, rooms), PARAMS)) == 4
    assert conditions(NoticeFacts([Late("x", 1, 1e9)], 10**6, ended, rooms), NEVER) == {}


def test_names_act_on_nobody_who_reads_them():
    (words,) = conditions(NoticeFacts(late=[Late("\x1b[31m\n", 1, 999.0)]), PARAMS).values()
    assert "\x1b" not in words
    assert "\n" not in words


def test_the_queue_tells_the_last_ends_whatever_waits_between_and_no_groups(queue):
    finished(queue, "a")
    finished(queue, "b", status="failed", error="x")
    queue.add(found("waiting"))
    queue.add(found("group", kind="combined"))
    job = queue.by_name("waiting")
    assert [one.name for one in queue.overview.latest_ends(5)] == ["b", "a"]
    assert [one.name for one in queue.overview.latest_ends(1)] == ["b"]
    assert begun(queue).id == job.id
