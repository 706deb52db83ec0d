"""A program that is idle is seen to live, and to be gone, on a page that is not written for it."""

from __future__ import annotations

import re

import pytest

from autoproc.service.index_page import IndexPage
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.processes.program import this_program
from autoproc.service.results.outputs import Outputs
from autoproc.service.signs_of_life.life_line import PULSE, LifeLine


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def outputs(tmp_path):
    made = Outputs(tmp_path / "out")
    made.make_folders()
    return made


def test_it_is_written_again_and_again(outputs):
    clock, file = Clock(), outputs.state / "alive.html"
    life = LifeLine(outputs, clock)
    life.poll()
    first = file.stat().st_ino
    clock.now += PULSE / 2
    life.poll()
    assert file.stat().st_ino == first
    clock.now += PULSE
    life.poll()
    assert file.stat().st_ino != first
    page = file.read_text()
    assert re.search(r"watchOver\([\d.]+, 40\.0\)", page)
    assert 'class="stopped"' not in page
    assert len(page) < 20_000


def test_a_full_disk_stops_nobody(outputs):
    (outputs.state / ".alive.html.part").mkdir()
    LifeLine(outputs).poll()
    assert not (outputs.state / "alive.html").exists()


def test_the_page_shows_it_though_nothing_is_under_way(outputs):
    queue = JobQueue(outputs.state / "queue.sqlite")
    queue.programs.attend(this_program(), ["/data"])
    page, index = IndexPage(queue, outputs), outputs.output / "index.html"
    page.poll()
    assert 'src=".autoproc/alive.html"' in index.read_text()
    life = outputs.state / "alive.html"
    assert "autoproc is at work, as of" in life.read_text()
    queue.programs.leave(this_program())
    page.finish()
    assert '<body class="stopped">' in life.read_text()
    queue.close()


@pytest.mark.parametrize("is_over", [False, True])
def test_a_run_that_ended_is_told_from_one_that_was_cut_off(outputs, is_over):
    LifeLine(outputs).write(is_over)
    page = (outputs.state / "alive.html").read_text()
    assert ("it was stopped after" in page) is not is_over
    assert ("came to its end" in page) is is_over
