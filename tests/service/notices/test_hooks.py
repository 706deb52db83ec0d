"""Commands of the facility: run with the facts of the sweep, never in the way of its result."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError
from queue_for_tests import Service, found

from autoproc.legible import legible
from autoproc.service.events import Event
from autoproc.service.job_queue.job import JobState
from autoproc.service.notices.hooks import PATHS, harmless
from autoproc.service.params import PLACEHOLDERS, ServiceParams

WRITE = (sys.executable, "-c", "import sys, json; open(sys.argv[1], 'a').write(json.dumps(sys.argv[2:]) + chr(10))")


def service_with(tmp_path, **hooks) -> Service:
    return Service(tmp_path / "out", params=ServiceParams(retry_delay=0.01, **hooks))


def add(tmp_path, service, name):
    path = tmp_path / f"{name}.img"
    path.write_text("images")
    service.queue.add(found(path))


def written(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_on_start_and_success(tmp_path):
    log = tmp_path / "log"
    command = (*WRITE, str(log), "{status}", "{sweep}", "{folder}", "{space_group}; $(rm x) {{}}", "{d_min}")
    service = service_with(tmp_path, on_start=(command,), on_success=(command,), on_failure=(command,))
    add(tmp_path, service, "a b")
    service.work()
    service.hooks.finish()
    folder = str(tmp_path / "out" / "a b")
    assert written(log) == [
        ["started", "a b", folder, "; $(rm x) {}", ""],
        ["processed", "a b", folder, "P 1; $(rm x) {}", "2.0"],
    ]
    service.close()


WAIT_FOR_TWO = (
    sys.executable, "-c",
    "import sys, time, json, pathlib; log = pathlib.Path(sys.argv[1])\n"
    "while not log.exists() or log.read_text().count(chr(10)) < 2: time.sleep(0.01)\n"
    "open(log, 'a').write(json.dumps(sys.argv[2:]) + chr(10))",
)  # fmt: skip


def test_what_came_first_is_told_first(tmp_path):
    """The command for the start is slow: those for the end wait for it, those of another sweep do not."""
    log = tmp_path / "log"
    words = (str(log), "{status}", "{sweep}")
    service = service_with(tmp_path, on_start=((*WAIT_FOR_TWO, *words),), on_success=((*WRITE, *words),) * 2)
    for kind, sweep in (("started", "a"), ("processed", "a"), ("processed", "b")):
        service.hooks(Event(kind, sweep, {}))
    service.hooks.finish()
    ends = [["processed", "b"]] * 2, [["processed", "a"]] * 2
    assert written(log) == [*ends[0], ["started", "a"], *ends[1]]
    service.close()


def test_a_command_that_cannot_run_holds_up_none_after_it(tmp_path):
    log = tmp_path / "log"
    service = service_with(tmp_path, on_start=(("/no/such/program",),), on_success=((*WRITE, str(log), "{status}"),))
    for kind in ("started", "processed"):
        service.hooks(Event(kind, "a", {}))
    service.hooks.finish()
    assert written(log) == [["processed"]]
    service.close()


@pytest.mark.parametrize(
    ("name", "status", "error"), [("bad", "failed", "no spots"), ("exit_x", "set aside", "(exit status 7)")]
)
def test_on_failure(tmp_path, name, status, error):
    log = tmp_path / "log"
    service = service_with(tmp_path, on_failure=((*WRITE, str(log), "{status}", "{error}"),))
    add(tmp_path, service, name)
    service.work()
    service.hooks.finish()
    ((told, why),) = written(log)
    assert told == status
    assert error in why
    service.close()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("/no/such/program", "{sweep}"), "No such file"),
        ((sys.executable, "-c", "import sys; sys.exit('no database')"), "exit status 1: no database"),
        ((sys.executable, "-c", "import time; time.sleep(60)"), "stopped after 0.3 s"),
        (("a\0b",), "null byte"),
    ],
)
def test_a_hook_that_fails_costs_no_result(tmp_path, command, said):
    service = service_with(tmp_path, on_success=(command,), hook_timeout=0.3)
    add(tmp_path, service, "x")
    service.work()
    service.hooks.finish()
    assert service.queue.named("x").state is JobState.processed
    complaint = next(event for event in service.events if event.kind == "hook failed")
    assert said in complaint.facts["text"]
    service.close()


@pytest.mark.parametrize(
    ("command", "said"),
    [(["mail", "{swep}"], "{swep} is unknown"), ([], "at least its name"), (["x", "{sweep"], "doubled")],
)
def test_hooks_that_cannot_be_filled_in_are_refused_at_once(command, said):
    with pytest.raises(ValidationError, match=said):
        ServiceParams(on_success=[command])


@given(st.sampled_from(PLACEHOLDERS), st.text(st.characters() | st.characters(categories=["Cc", "Cs"])))
@example("sweep", "--config=/tmp/mine")
@example("folder", "-o")
@example("error", "\x1b[2J")
def test_no_value_is_an_option(key, value):
    filled = harmless(key, value)
    assert not filled.startswith("-")
    assert filled.endswith(value) if key in PATHS else legible(filled) == filled
