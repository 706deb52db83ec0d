"""The thread that looks and sends: what is wrong reaches the staff, and nothing reaches the work."""

import sqlite3

import pytest
from listening_servers import DeafServer, WebServer, serving
from queued import finished, found, queue_in

from autoproc.service.job_queue.programs_at_work import Arriving
from autoproc.service.notices import notices as module
from autoproc.service.notices.notices import Notices
from autoproc.service.notices.params import NoticeParams
from autoproc.service.processes.program import this_program
from autoproc.service.queue_file import queue_there
from autoproc.service.results.outputs import Outputs
from autoproc.service.watching.sweeps_coming import WHOLE


@pytest.fixture
def queue(tmp_path):
    queue = queue_in(tmp_path)
    yield queue
    queue.close()


def looking(tmp_path, events, **params):
    params = {"disk_free": 0.0, "settled_for": 0.0} | params
    return Notices(NoticeParams(**params), lambda: None, tmp_path, [tmp_path], events.append)


def sent(notices):
    for thread in notices._sending:
        thread.join()
    notices.poll()


def test_what_is_wrong_is_sent_once_and_said(queue, tmp_path):
    events = []
    server = WebServer()
    with serving(server) as port:
        notices = looking(tmp_path, events, webhook=f"http://127.0.0.1:{port}/", queue_long=1)
        for n in range(3):
            queue.add(found(f"x{n}"))
            notices.look(queue, 1000.0 + n)
        sent(notices)
    assert [body["text"] for _, _, body in server.posted] == ["queue long: 2 sweeps wait to be processed"]
    assert [event.facts["text"] for event in events] == [
        "notice to the staff: queue long: 2 sweeps wait to be processed"
    ]


def test_images_are_late_by_how_long_their_number_stands_still(queue, tmp_path):
    events = []
    notices = looking(tmp_path, events, command=("true",), images_late=100.0)
    queue.programs.attend(this_program(), ["/data"])
    for seconds, n_images in ((0, 5), (90, 6), (180, 6), (195, 6)):
        queue.programs.show(this_program(), [Arriving("/data/x_#.cbf", "x", n_images, "", None)])
        notices.look(queue, 1000.0 + seconds)
        sent(notices)
        assert len(events) == (seconds == 195)
    assert events[0].facts["text"] == "notice to the staff: images late: no image for 2 min: x (6 there)"
    queue.programs.show(this_program(), [])
    notices.look(queue, 1300.0)
    notices.look(queue, 1300.0)
    sent(notices)
    assert [event.facts["text"] for event in events[1:]] == ["notice to the staff: over: images late"]


def test_a_sweep_of_which_none_is_missing_is_not_late(queue, tmp_path):
    events = []
    notices = looking(tmp_path, events, command=("true",), images_late=100.0)
    queue.programs.attend(this_program(), ["/data"])
    queue.programs.show(this_program(), [Arriving("/data/x_#.cbf", "x", 6, WHOLE, None)])
    for seconds in (0.0, 200.0, 9999.0):
        notices.look(queue, 1000.0 + seconds)
    sent(notices)
    assert events == []


def test_failures_in_a_row_are_those_of_the_queue(queue, tmp_path):
    events = []
    notices = looking(tmp_path, events, command=("true",), failures_in_row=2)
    finished(queue, "a", status="failed", error="why")
    notices.look(queue, 1.0)
    finished(queue, "b", status="failed", error="because")
    notices.look(queue, 2.0)
    sent(notices)
    assert ["the last 2 sweeps failed, of these b" in event.facts["text"] for event in events] == [True]


def test_a_disk_that_fills_is_told(queue, tmp_path):
    events = []
    notices = looking(tmp_path, events, command=("true",), disk_free=0.999999)
    notices.look(queue, 1.0)
    sent(notices)
    assert str(tmp_path) in events[0].facts["text"]


def test_what_cannot_be_sent_is_a_line_in_the_log(queue, tmp_path):
    events = []
    notices = looking(tmp_path, events, command=("false",), queue_long=1)
    queue.add(found("x"))
    queue.add(found("y"))
    notices.look(queue, 1.0)
    sent(notices)
    assert [event.kind for event in events] == ["notice", "hook failed"]
    assert events[1].facts["text"] == "a notice was not sent by the command false: exit status 1"


def test_ways_that_hang_hold_up_neither_the_look_nor_the_others(queue, tmp_path, monkeypatch):
    events = []
    monkeypatch.setattr(module, "MOST_UNDER_WAY", 1)
    with serving(DeafServer()) as port:
        hangs = f"http://127.0.0.1:{port}/"
        notices = looking(tmp_path, events, webhook=hangs, queue_long=1, failures_in_row=1, time_limit=1.0)
        queue.add(found("x"))
        queue.add(found("y"))
        notices.look(queue, 1.0)
        finished(queue, "z", status="failed", error="why")
        notices.look(queue, 2.0)
        notices.poll()
        assert events[-1].facts["text"] == "a notice was not sent by the webhook: earlier notices are still being sent"
        sent(notices)


def test_the_thread_looks_again_where_the_queue_cannot_be_opened(queue, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "INTERVAL", 0.01)
    n_opened = []

    def opened():
        n_opened.append(1)
        if len(n_opened) < 3:
            raise sqlite3.OperationalError("disk I/O error")
        return queue_there(Outputs(tmp_path))

    queue.add(found("x"))
    queue.add(found("y"))
    events = []
    params = NoticeParams(command=("true",), queue_long=1, disk_free=0.0)
    with Notices(params, opened, tmp_path, [tmp_path], events.append) as notices:
        while not events:
            notices.poll()
    assert events[0].kind == "notice"


@pytest.mark.parametrize(("ways", "watched"), [({}, ["/data"]), ({"command": ("true",)}, [])])
def test_nobody_looks_where_nobody_is_to_be_told_or_somebody_waits(tmp_path, ways, watched):
    with Notices(NoticeParams(**ways), lambda: None, tmp_path, watched, print) as notices:
        assert not notices._thread.is_alive()
