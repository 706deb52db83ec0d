"""Results reach their visits: after an event and after a restart; what cannot be put there is said once."""

import pytest
from queued import finished, found, queue_in

from autoproc.commands.wanted import without_results
from autoproc.service.events import Event
from autoproc.service.queue_file import queue_there
from autoproc.service.results.outputs import Outputs
from autoproc.service.visits import place_results as module
from autoproc.service.visits.params import VisitParams
from autoproc.service.visits.place_results import Placing
from autoproc.service.watching.params import WatchParams

PARAMS = VisitParams(output="{visit}/processed")


@pytest.fixture
def outputs(tmp_path):
    return Outputs(tmp_path / "out")


@pytest.fixture
def queue(outputs):
    queue = queue_in(outputs.output)
    yield queue
    queue.close()


def with_results(queue, outputs, name, visit, **result):
    queue.add(found(name, visit=str(visit)))
    job = finished(queue, name, **result)
    folder = outputs.results(job.name)
    folder.mkdir(parents=True)
    for file in ("summary.json", "summary.txt"):
        (folder / file).write_text(f"{file} of {name}")
    return job


@pytest.fixture
def visit(tmp_path):
    (tmp_path / "v1").mkdir()
    return tmp_path / "v1"


def placing(outputs, events, params=PARAMS):
    return Placing(params, lambda: queue_there(outputs), outputs, events.append)


def test_results_are_put_into_the_visit_after_the_event_and_before_the_end(queue, outputs, visit):
    events = []
    with placing(outputs, events) as one:
        with_results(queue, outputs, "x", visit)
        one(Event("started", "x"))
        one(Event("processed", "x"))
    assert (visit / "processed" / "x" / "summary.json").read_text() == "summary.json of x"
    assert [(event.kind, event.sweep, event.facts["text"]) for event in events] == [
        ("placed", "x", f"results in {visit}/processed/x")
    ]


def test_results_of_before_are_put_there_when_the_program_begins(queue, outputs, visit, monkeypatch):
    with_results(queue, outputs, "x", visit)
    events = []
    with placing(outputs, events) as one:
        while not events:
            one.poll()
    assert (visit / "processed" / "x").is_dir()


def test_what_cannot_be_put_there_is_said_once_and_tried_again(queue, outputs, visit):
    events = []
    job = with_results(queue, outputs, "x", visit)
    one = placing(outputs, events)
    (visit / "processed").write_text("in the way")
    one.place(job)
    one.place(job)
    one.poll()
    assert [event.kind for event in events] == ["trouble"]
    assert events[0].facts["text"] == f"its results cannot be put into {visit}: processed: Not a directory"
    (visit / "processed").unlink()
    one.place(job)
    one.poll()
    assert [event.kind for event in events] == ["trouble", "placed"]


def test_nothing_is_put_anywhere_unless_it_is_asked_for(queue, outputs, visit):
    events = []
    with_results(queue, outputs, "x", visit)
    with placing(outputs, events, VisitParams()) as one:
        one(Event("processed", "x"))
        assert not one._thread.is_alive()
    assert list(visit.iterdir()) == []


def test_the_sweeps_of_a_group_are_put_there_again_as_their_summaries_name_it(queue, outputs, visit, monkeypatch):
    monkeypatch.setattr(module, "LEAST_INTERVAL", 1e9)
    events = []
    with_results(queue, outputs, "a", visit)
    with placing(outputs, events) as one:
        while not events:
            one.poll()
        (outputs.results("a") / "summary.new").write_text("GROUP of a and of others")
        (outputs.results("a") / "summary.new").rename(outputs.results("a") / "summary.txt")
        one(Event("processed", "combined/g", {"members": {"a": 1}}))
    assert (visit / "processed" / "a" / "summary.txt").read_text() == "GROUP of a and of others"


def test_the_watcher_passes_the_results_over(tmp_path):
    watch = WatchParams(visit_depth=1, exclude=("tmp",))
    assert without_results(watch, VisitParams(), [tmp_path]) == watch
    exclude = without_results(watch, PARAMS, [tmp_path]).exclude
    assert exclude == ("tmp", f"{tmp_path}/processed", f"{tmp_path}/*/processed")
