"""Sweeps whose program was killed are said to be interrupted, at once, wherever one looks."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from queue_for_tests import SHARES, Service, forked_daemon, found
from rich.console import Console
from typer.testing import CliRunner

from autoproc.cli import app
from autoproc.reports.visit_index import Alive, sweep_row, visit_index
from autoproc.service.index_page import PULSE, IndexPage, page_of
from autoproc.service.job_queue.job import JobState
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.params import ServiceParams
from autoproc.service.processes.program import this_program
from autoproc.service.results.outputs import Outputs
from autoproc.service.status import Queue, status_table, story_lines
from autoproc.service.sweeps.found_sweep import FoundSweep

SWEEP = FoundSweep(Path("/data/v1/a_####.cbf"), "cbf", (1, 10), 10, "f1", "complete", "", "a", "/data/v1", 100.0)
DEAD = f"{this_program().partition(':')[0]}:1:never"


@pytest.fixture
def outputs(tmp_path):
    made = Outputs(tmp_path / "out")
    made.make_folders()
    return made


@pytest.fixture
def queue(outputs):
    """One sweep of a program that is dead, one of ours."""
    made = JobQueue(outputs.state / "queue.sqlite")
    for name, program in (("a", DEAD), ("b", this_program())):
        made.add(replace(SWEEP, fingerprint=name, name=name, path=Path(f"/data/v1/{name}_####.cbf")))
        made.claim(program, 60.0)
    yield made
    made.close()


def shown(queue) -> str:
    text = StringIO()
    Console(file=text, width=200).print(status_table(Queue.of(queue), 200))
    return text.getvalue()


def test_the_table(queue):
    table = shown(queue)
    assert "1 interrupted, 1 running" in table
    assert re.search(r"a +interrupted .*`autoproc run` begins it again", table)
    assert re.search(r"b +running", table)


def test_json_and_story(queue, outputs):
    result = CliRunner().invoke(app, ["status", "--json", "-o", str(outputs.output)])
    assert {row["name"]: row["state"] for row in json.loads(result.output)} == {"a": "interrupted", "b": "running"}
    result = CliRunner().invoke(app, ["status", "a", "b", "-o", str(outputs.output)])
    assert "a: interrupted; its program is gone" in result.output
    assert "b: running" in result.output
    assert story_lines(queue.named("b"))[0] == "b: running"


def test_the_page(queue, outputs):
    page = page_of(queue.rows(), outputs.output, (), queue.interrupted(), Alive(time.time(), 20.0))
    assert "2 sweeps: 1 interrupted, 1 running" in re.sub(r"</?span[^>]*>", "", page)
    assert page.count("begins it again") == 1


def test_a_program_that_is_killed(tmp_path):
    """kill -9, and the next look says so."""
    images = tmp_path / "images"
    images.mkdir()
    (images / "hang_x.img").write_text("images")
    daemon = forked_daemon(images, tmp_path / "out", ServiceParams())
    try:
        wait_for(lambda: is_running(tmp_path / "out"))
        assert "1 running" in table_of(tmp_path / "out")
    finally:
        os.kill(daemon, signal.SIGKILL)
        os.waitpid(daemon, 0)
    assert "1 interrupted" in table_of(tmp_path / "out")


def is_running(output: Path) -> bool:
    return (output / ".autoproc" / "queue.sqlite").exists() and "1 running" in table_of(output)


def table_of(output: Path) -> str:
    return CliRunner().invoke(app, ["status", "-o", str(output)]).output


def wait_for(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_worker_that_is_killed(tmp_path):
    """Its sweep is begun again, and that is said while it is at work."""
    service = Service(tmp_path / "out", shares=replace(SHARES, n_workers=1))
    image = tmp_path / "hang_x.img"
    image.write_text("images")
    service.queue.add(found(image))
    service.until(lambda: service.supervisor.n_running == 1)
    service.local.at_work[0].kill()
    service.until(lambda: service.told("crashed") and service.supervisor.n_running == 1)
    assert service.queue.named("hang_x").state is JobState.running
    assert "begun again: its worker was ended by SIGKILL" in shown(service.queue)
    service.close()


def test_the_page_is_written_while_sweeps_are_under_way(queue, outputs):
    now = [100.0]
    page = IndexPage(queue, outputs, clock=lambda: now[0])
    page.poll()
    path = outputs.output / "index.html"
    path.unlink()
    now[0] += PULSE - 0.1
    page.poll()
    assert not path.exists()
    now[0] += 0.2
    page.poll()
    assert path.exists()
    queue.cancel("a")
    queue.cancel("b")
    page.touch()
    now[0] += PULSE
    page.poll()
    path.unlink()
    now[0] += 100 * PULSE
    page.poll()
    assert not path.exists(), "nothing is under way"


def test_a_program_that_stops_says_so_on_its_page(queue, outputs):
    page = IndexPage(queue, outputs)
    queue.programs.attend(this_program(), ["/data"])
    page.poll()
    path = outputs.output / "index.html"
    assert '<body class="stopped">' not in path.read_text()
    queue.programs.leave(this_program())
    page.finish()
    assert '<body class="stopped">' in path.read_text()


def test_a_page_of_sweeps_that_are_done_needs_no_program():
    page = visit_index([sweep_row("a", "failed", {}, 10)], written="now", alive=Alive(1.0, 20.0, is_over=True))
    assert "<script>" not in page
    assert "stopped" not in page.partition("<body")[2]


BROWSER = """
let store = {}, ticks = [], names = new Set(), clock = %s;
globalThis.location = {pathname: "/index.html"};
globalThis.sessionStorage = {getItem: k => store[k] ?? null, setItem: (k, v) => { store[k] = v; }};
globalThis.document = {body: {classList: {add: name => names.add(name)}}};
globalThis.setInterval = tick => ticks.push(tick);
Date.now = () => 1000 * clock;
const said = [];
function load(written) { names.clear(); ticks = []; watchOver(written, 20); said.push(names.has("stopped")); }
function wait(seconds) { clock += seconds; ticks.forEach(tick => tick()); said.push(names.has("stopped")); }
%s
console.log(JSON.stringify(said));
"""


def looked_at(clock: float, steps: str) -> list[bool]:
    """Whether the page says that its program is gone, after each step, in a browser with such a clock."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is needed to run the script of the page")
    page = visit_index([sweep_row("a", "running", {}, 10)], written="now", alive=Alive(1000.0, 20.0))
    (script,) = re.findall(r"<script>(.*?)watchOver\(1000.0, 20.0\);\s*</script>", page, re.DOTALL)
    done = subprocess.run([node, "-e", script + BROWSER % (clock, steps)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_the_script_of_the_page():
    assert looked_at(1001.0, "load(1000); wait(18); wait(3);") == [False, False, True]
    assert looked_at(9000.0, "load(1000);") == [True]
    alive = "load(1000); wait(10); load(1010); wait(10); load(1020);"
    assert looked_at(1001.0, alive) == [False] * 5


def test_the_script_of_the_page_where_clocks_differ():
    """Ahead, it is believed as soon as it is seen to change; behind, its silence is timed here."""
    assert looked_at(4600.0, "load(1000); wait(5); load(1005); wait(10); wait(11);")[2:] == [False, False, True]
    assert looked_at(-2600.0, "load(1000); wait(10); wait(11); load(1010);") == [False, False, True, False]
