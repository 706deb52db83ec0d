"""autoproc status, retry, cancel, reprocess; and what `autoproc run` makes of what it has done before."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from forked_workers import forked_worker, no_new_programs
from queue_for_tests import Service, found
from simulated import simulated_sweep
from typer.testing import CliRunner

from autoproc import kernels
from autoproc.cli import app
from autoproc.service.job_queue.job import JobState
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.processes.program import this_program
from autoproc.service.status import Queue

TREE = Path(kernels.__file__).parents[2]
"""Where the package that is tested lies, installed or not."""


def process_as_told(order, console):
    """In place of processing: at once the result that the parameters call for."""
    d_min = order.config.scale.d_min or 2.0
    summary = {"status": "processed", "sweep": order.name, "space_group": "P 1", "unit_cell": [1.0] * 6, "d_min": d_min}
    if order.config.find_spots.min_spot_size > 100:
        summary = {"status": "failed", "error": "no spots were found", "error_stage": "find_spots", "error_hint": "-"}
    else:
        (order.folder / "merged.mtz").write_text(f"{d_min} Angstrom")
    (order.folder / "summary.json").write_text(json.dumps(summary))
    return summary


def invoke(*arguments, columns=160):
    with no_new_programs(partial(forked_worker, processing=process_as_told)):
        result = CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": str(columns)})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def worked(tmp_path_factory):
    """A queue with a sweep of each kind."""
    tmp_path = tmp_path_factory.mktemp("worked")
    service = Service(tmp_path / "out")
    for name in ("good", "bad", "exit_x"):
        (tmp_path / f"{name}.img").write_text(f"images of {name}")
        service.queue.add(found(tmp_path / f"{name}.img"))
    service.work()
    (tmp_path / "waits.img").write_text("images")
    service.queue.add(found(tmp_path / "waits.img", state="partial", reason="the collection stalled"))
    service.close()
    return tmp_path / "out"


@pytest.fixture
def output(worked, tmp_path):
    """A copy of it, to be changed."""
    return Path(shutil.copytree(worked, tmp_path / "out"))


def test_the_table(output):
    status, said = invoke("status", "-o", output)
    assert status == 0
    lines = [" ".join(line.split()) for line in said.splitlines()]
    assert lines[0] == "1 queued, 1 processed, 1 failed, 1 set aside"
    assert any(line.startswith("good processed 14 P 1 1.0 1.0 1.0 1.0 1.0 1.0 2.00") for line in lines)
    assert any(line.startswith("bad failed") and "no spots" in line for line in lines)
    assert any(line.startswith("exit_x set aside") and "exit status 7" in line for line in lines)
    rows = [line.split()[0] for line in lines[4:] if line]
    assert rows[0] == "waits"
    assert any(line.startswith("waits queued") and "partial: the collection stalled" in line for line in lines)


def test_that_nobody_is_at_work_is_said(output):
    assert "no autoproc run is working on this queue" in invoke("status", "-o", output)[1]
    for command in ("retry", "bad"), ("reprocess", "good"):
        assert "no autoproc run is working on this queue" in invoke(*command, "-o", output)[1]
    queue = JobQueue(output / ".autoproc" / "queue.sqlite")
    queue.programs.attend(this_program(), ["/data"])
    for command in ("status",), ("retry", "bad"), ("reprocess", "good"):
        assert "working on this queue" not in invoke(*command, "-o", output)[1]
    queue.programs.leave(this_program())
    for job in queue.rows():
        queue.cancel(job.name)
    queue.close()
    assert "working on this queue" not in invoke("status", "-o", output)[1]


def test_an_error_is_no_news_once_it_is_tried_again(output):
    invoke("retry", "bad", "-o", output)
    assert "no spots" not in invoke("status", "-o", output)[1]
    assert "failed: no spots" in invoke("status", "bad", "-o", output)[1]


@pytest.mark.parametrize("columns", [60, 80, 100, 240])
def test_a_narrow_terminal_loses_columns_but_no_letters(output, columns):
    queue = JobQueue(output / ".autoproc" / "queue.sqlite")
    name = "a_sweep_with_quite_a_long_name_of_44_letters"
    queue.add(found(Path(f"/data/{name}.img"), n_images=3600))
    queue.close()
    lines = invoke("status", "-o", output, columns=columns)[1].splitlines()
    assert max(map(len, lines)) <= columns
    table = "\n".join(lines)
    assert re.search(f"{name} +queued", table)
    assert ("2.00" in table) == (columns >= 100)
    assert ("1.0 1.0 1.0" in table) == (columns == 240)
    assert "…" not in table


def test_json_for_programs(output):
    status, said = invoke("status", "-o", output, "--json")
    assert status == 0
    jobs = {job["name"]: job for job in json.loads(said)}
    assert set(jobs) == {"good", "bad", "exit_x", "waits"}
    assert jobs["good"]["result"]["space_group"] == "P 1"
    good = jobs["good"]
    assert 0 <= good["processing_time"] <= good["latency"]
    assert good["processing_time"] + good["waited"] == pytest.approx(good["latency"])
    assert [entry["event"] for entry in jobs["exit_x"]["story"]] == ["crashed", "crashed"]
    assert json.loads(invoke("status", "bad", "-o", output, "--json")[1])[0]["state"] == "failed"


def test_the_story_of_one(output):
    said = invoke("status", "exit_x", "-o", output)[1]
    assert said.count("crashed: its worker ended without a result (exit status 7)") == 2
    assert "exit_x: set aside" in said
    assert "FAILED at find_spots: no spots" in invoke("status", "bad", "-o", output)[1]


@pytest.mark.parametrize(
    ("arguments", "said", "state"),
    [
        (("retry", "bad"), "bad: queued", JobState.queued),
        (("retry", "exit_x"), "exit_x: queued", JobState.queued),
        (("retry", "good"), "good is processed: only a sweep without results", JobState.processed),
        (("cancel", "waits"), "waits: cancelled", JobState.cancelled),
        (("cancel", "good"), "good is processed: there is nothing to cancel", JobState.processed),
        (("reprocess", "good", "scale.d_min=2.1"), "good: queued", JobState.queued),
    ],
)
def test_changes(output, arguments, said, state):
    status, printed = invoke(*arguments, "-o", output)
    assert status == 0
    assert said in printed
    queue = JobQueue(output / ".autoproc" / "queue.sqlite")
    assert queue.named(arguments[1]).state is state
    assert queue.named("good").parameters == ({"scale.d_min": "2.1"} if arguments[0] == "reprocess" else {})
    queue.close()


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("retry", "god"), 3, "there is no sweep god"),
        (("status", "goo"), 3, "did you mean good?"),
        (("reprocess", "good", "scale.d_mim=2"), 2, "did you mean scale.d_min"),
        (("reprocess", "scale.d_min=2"), 2, "no sweep was named"),
    ],
)
def test_mistakes(output, arguments, status, said):
    code, printed = invoke(*arguments, "-o", output)
    assert code == status
    assert said in printed


@pytest.mark.parametrize("command", [("status",), ("run", "IMAGES", "--once")])
def test_a_queue_that_is_damaged(output, images, command):
    (output / ".autoproc" / "queue.sqlite").write_bytes(b"not a database" * 100)
    code, said = invoke(*(word.replace("IMAGES", str(images.start)) for word in command), "-o", output)
    assert code == 3
    assert "queue.sqlite cannot be opened (file is not a database)" in said
    assert "move it away" in said


def test_where_nothing_was_processed(tmp_path):
    code, said = invoke("status", "-o", tmp_path / "gone")
    assert code == 3
    assert "holds no queue" in said
    assert not (tmp_path / "gone").exists()


# What `autoproc run` has done before


@pytest.fixture
def images(tmp_path_factory):
    return simulated_sweep(tmp_path_factory, n_images=20, d_min=2.6, hot_pixels=0)


def test_run_again(images, tmp_path):
    """Nothing is done twice, but with other parameters, by `reprocess`, or when results are gone."""
    run = ("run", images.start, "-o", tmp_path, "-j", 1)
    queue_file, merged = tmp_path / ".autoproc" / "queue.sqlite", tmp_path / "small" / "merged.mtz"
    assert invoke(*run)[0] == 0
    first = merged.stat()
    code, said = invoke(*run)
    assert code == 0
    assert "small: already processed" in said
    assert "1 processed, 0 failed" in said
    assert merged.stat() == first
    assert invoke("reprocess", "small", "find_spots.min_spot_size=900", "-o", tmp_path)[0] == 0
    code, said = invoke(*run)
    assert code == 3
    assert "no spots were found" in said
    assert "0 processed, 1 failed" in said
    code, said = invoke(*run)  # what failed is tried again, still as `reprocess` has changed it
    assert code == 3
    assert "once more, with find_spots.min_spot_size=900" in said
    assert invoke("reprocess", "small", "find_spots.min_spot_size=3", "scale.d_min=2.5", "-o", tmp_path)[0] == 0
    for expected in ("2.50 A", "already processed with"):
        code, said = invoke(*run)
        assert code == 0, said
        assert expected in said
    merged.parent.rename(tmp_path / "elsewhere")
    assert invoke(*run)[0] == 0
    assert merged.read_bytes() == (tmp_path / "elsewhere" / "merged.mtz").read_bytes()
    queue = JobQueue(queue_file)
    assert [(job.run, job.parameters["scale.d_min"]) for job in queue.rows()] == [(5, "2.5")]
    queue.close()


def autoproc(*arguments):
    environment = os.environ | {"PYTHONPATH": str(TREE), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "autoproc", *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_directory_is_watched_until_it_is_told_to_stop(images, tmp_path):
    """The program itself, from the images to the results, and its end by SIGTERM."""
    (tmp_path / "visit").mkdir()
    (tmp_path / "watch.toml").write_text("[watch]\nstable_time = 0.1\nsettle_time = 0.3\npoll_interval = 0.1\n")
    deadline = time.monotonic() + 120
    running = autoproc("run", tmp_path / "visit", "-o", tmp_path / "out", "-c", tmp_path / "watch.toml", "-j", 1)
    time.sleep(1.0)
    (tmp_path / "visit" / "crystal").mkdir()
    for file in images.images:
        (tmp_path / "visit" / "crystal" / file.name).write_bytes(file.read_bytes())
    for file in (*images.images[:3], images.images[5]):
        (tmp_path / "visit" / "crystal" / file.name.replace("small", "other")).write_bytes(file.read_bytes())
    said, awaited = (
        "",
        "[12] arriving.*other arriving 4 .*images missing: 4-5; if nothing more comes, taken as it is in",
    )
    while not re.search(awaited, said):
        assert time.monotonic() < deadline, said
        said = " ".join(invoke("status", "-o", tmp_path / "out")[1].split())
        time.sleep(0.4)
    assert "arriving" in invoke("status", "other", "-o", tmp_path / "out")[1]
    while "4 images so far; images missing: 4-5" not in (tmp_path / "out" / "index.html").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    while "1 processed" not in invoke("status", "-o", tmp_path / "out")[1] and time.monotonic() < deadline:
        time.sleep(0.4)
    assert (tmp_path / "out" / "small" / "merged.mtz").exists()
    running.send_signal(signal.SIGTERM)
    printed, errors = running.communicate(timeout=30)
    assert running.returncode == 0, errors
    assert printed.startswith(f"watching {tmp_path / 'visit'}; Ctrl-C stops\n")
    assert "small: 20 images" in printed
    assert "  time " in printed
    assert "Traceback" not in errors
    records = [json.loads(s) for s in (tmp_path / "out" / ".autoproc" / "queue.jsonl").read_text().splitlines()]
    assert [r["event"] for r in records] == ["begin", "found", "started", "processed"]
    said = invoke("status", "-o", tmp_path / "out")[1]
    assert "1 processed" in said
    assert "arriving" not in said


def test_asking_waits_for_no_numerics():
    """People ask often: the stages, with scipy and their parameters, take seconds to load on a busy machine."""
    heavy = "('numpy', 'scipy', 'gemmi', 'h5py', 'pydantic', 'autoproc.config')"
    code = f"import sys, autoproc.commands.job_queue; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_is_counted_is_all_that_there_is_however_few_are_shown(output):
    queue = JobQueue(output / ".autoproc" / "queue.sqlite")
    few, all_ = Queue.of(queue, 1), Queue.of(queue)
    queue.add(found(Path("/data/one_more.img")))
    assert dict(few.n_in) == dict(all_.n_in)
    assert len(few.jobs) == len(few.n_in)
    assert Queue.of(queue, 1).n_in[JobState.queued] == 2
    queue.close()
