"""Any scheduler by three commands: here a shell that begins processes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoproc.service.executing.command import CommandExecutor, CommandsMissing, filled_in, job_name, with_ids
from autoproc.service.executing.conformance import STRANGE, ExecutorConformance
from autoproc.service.params import ServiceParams

SUBMIT = ("sh", "-c", 'setsid sh "$0" >/dev/null 2>&1 & echo "your job is $!"', "{script}")
POLL = ("sh", "-c", 'for id in "$@"; do kill -0 -$id 2>/dev/null && echo $id running; done; true', "poll", "{ids}")
CANCEL = ("sh", "-c", 'for id in "$@"; do kill -9 -$id 2>/dev/null; done; true', "cancel", "{ids}")
COMMANDS = {"submit": SUBMIT, "poll": POLL, "cancel": CANCEL, "poll_interval": 0.2}


def executor_of(site, **changes):
    return CommandExecutor(replace(site, service=ServiceParams(command=COMMANDS | changes)))


class TestCommand(ExecutorConformance):
    def make(self, site):
        return executor_of(site)


def test_arguments_are_filled_in_and_other_braces_left():
    assert filled_in('{"a": {script}} ${HOME} {x}', {"script": "/s"}) == '{"a": /s} ${HOME} {x}'
    assert with_ids(["poll", "{ids}", "--jobs={ids}"], ["7", "8"]) == ["poll", "7", "8", "--jobs=7,8"]


def test_names_are_such_as_every_scheduler_takes():
    assert job_name(STRANGE) == "autoproc-a-sweep-s-name-x-y-2"
    assert len(job_name("x" * 99)) == 40


@pytest.mark.parametrize("missing", ["submit", "poll", "cancel"])
def test_all_three_are_needed(tmp_path, missing):
    with pytest.raises(CommandsMissing, match=missing):
        executor_of(site_of(tmp_path), **{missing: ()})


def site_of(tmp_path):
    from autoproc.service.executing.executor_site import Site
    from autoproc.service.results.outputs import Outputs

    return Site(Outputs(tmp_path), ServiceParams())
