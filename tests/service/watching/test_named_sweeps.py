"""Sweeps that are named: found as they are, without waiting for what stalls, and never through a pipe."""

from __future__ import annotations

import os

from cbf_files import write_sweep

from autoproc.service.probing.answers import Inside
from autoproc.service.probing.questions import SweepsOfSeries, Unanswered
from autoproc.service.watching.named_sweeps import NamedSearch, named_sweeps


class Stalling(Inside):
    """Those whose names begin with "slow" are answered when the test says so."""

    def __init__(self):
        super().__init__()
        self.stalled = []
        self.is_over = False

    def ask(self, question):
        number = super().ask(question)
        if isinstance(question, SweepsOfSeries) and question.name.startswith("slow"):
            self.stalled.append(self._asked.pop())
        return number

    def answers(self, timeout):
        if self.is_over and self.stalled:
            number, question = self.stalled.pop()
            return [(number, Unanswered(path=question.path, reason="it takes too long"))]
        return super().answers(timeout)


def test_what_stalls_is_told_when_it_is_known(tmp_path):
    for name in ("good", "slow"):
        write_sweep(tmp_path, f"{name}_####.cbf")
    probe = Stalling()
    search = NamedSearch([tmp_path], probe)
    assert [sweep.name for sweep in search.soon().sweeps] == ["good"]
    assert not search.is_over
    assert search.poll().listed == ()
    probe.is_over = True
    (listed,) = search.poll().listed
    assert (listed.path, listed.n_images, listed.reason) == (tmp_path / "slow_####.cbf", 10, "it takes too long")
    assert search.is_over


def test_pipes_are_never_opened(tmp_path):
    os.mkfifo(tmp_path / "x_master.h5")
    os.mkfifo(tmp_path / "y_0001.cbf")
    named = named_sweeps([tmp_path], Inside())
    assert {images.path.name: images.reason for images in named.listed} == {
        "x_master.h5": "a named pipe, not a file", "y_0001.cbf": "a named pipe, not a file",
    }  # fmt: skip
    (problem,) = named_sweeps([tmp_path / "x_master.h5"], Inside()).problems
    assert "a named pipe, not a file" in problem.message
