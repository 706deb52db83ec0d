"""The program itself, killed a few times; scripts/kill_test does it more often."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
from collected.processes import descendants, is_alive
from killing import comparing, disturbance
from killing.at_work import WORKER, AtWork, followers_at_work, workers_at_work
from killing.comparing import differences, processes_left
from killing.disturbance import Killed, kill_at_random, wait_for
from killing.kinds import Kind, Live

HALF = "12 of 30 images searched, the first 9 integrated"


@pytest.mark.slow
def test_results_are_those_of_an_undisturbed_run(tmp_path, capsys):
    with Kind(tmp_path, 1, 12) as kind:
        kind.before()
        killed = kill_at_random(kind, 2, random.Random(0), life=1.5)
        assert killed.worker.total() == killed.program.total() == 1
        assert "2  " in capsys.readouterr().out
        kind.after()
        assert differences(kind.reference, kind.output) == []
        assert killed.orphans
        assert processes_left(killed.orphans, 60.0) == []


@pytest.mark.slow
def test_a_sweep_is_collected_whatever_is_killed_meanwhile(tmp_path):
    with Live(tmp_path, 0, 20) as kind:
        killed = kill_at_random(kind, 1, random.Random(3), life=0.5)
        assert killed.n == 1
        kind.after()
        assert "crystal1_1" in kind.queue.names_in("processed")
        assert differences(kind.reference, kind.output) == []


def worker(log: Path, *words: str) -> subprocess.Popen[bytes]:
    """A process that has the words of a worker's command, and writes a log."""
    writing = f"import time; log = open({str(log)!r}, 'w'); print('begun', flush=True); time.sleep(60)"
    return subprocess.Popen([sys.executable, "-c", writing, *words], stdout=subprocess.PIPE)


def test_a_worker_at_work_writes_a_log_and_tells_its_stage(tmp_path):
    log = tmp_path / "x.1" / "autoproc.log"
    log.parent.mkdir()
    with worker(log, WORKER.decode()) as process:
        assert process.stdout.readline() == b"begun\n"
        (found,) = workers_at_work(tmp_path)
        assert found == AtWork(process.pid, log)
        assert workers_at_work(tmp_path / "another") == []
        stages = []
        index = "index (attempt: wider)"
        for text in ("images: x\n", "find_spots\n==========\n", f"{index}\n{'=' * len(index)}\n9 of 9\n"):
            with log.open("a") as file:
                file.write(text)
            stages.append(found.stage)
        assert stages == ["before find_spots", "after find_spots", "after index"]
        (tmp_path / "x.1.json").touch()
        assert found.stage == "with its outcome written"
        assert found.is_alive
        process.kill()
    assert not found.is_alive
    assert workers_at_work(tmp_path) == []


def test_an_execution_elsewhere_has_its_outcome_in_its_folder(tmp_path):
    folder = tmp_path / "x.1.away" / "token"
    folder.mkdir(parents=True)
    (tmp_path / "x.1.away" / "token.json").touch()  # what it is at
    found = AtWork(1, folder / "autoproc.log")
    assert found.stage == "before find_spots"
    (folder / ".outcome.json").touch()
    assert found.stage == "with its outcome written"


def test_who_writes_a_log_and_is_no_worker_is_left_alone(tmp_path):
    with worker(tmp_path / "autoproc.log") as process:
        assert process.stdout.readline() == b"begun\n"
        assert workers_at_work(tmp_path) == []
        process.kill()


def test_a_follower_has_no_log_and_says_how_much_it_has_searched(tmp_path):
    live = tmp_path / ".autoproc" / "live"
    with worker(tmp_path / "nothing.txt", WORKER.decode()) as process:
        assert process.stdout.readline() == b"begun\n"
        assert followers_at_work(os.getpid(), tmp_path) == []
        live.mkdir(parents=True)
        told = {"name": "x", "sweep": "", "n_there": 30, "n_searched": 12, "n_integrated": 9, "written_at": 0.0}
        (live / "key.json").write_text(json.dumps(told))
        (found,) = followers_at_work(os.getpid(), tmp_path)
        assert (found.pid, found.stage) == (process.pid, f"following, {HALF}")
        (live / "key.json").write_text(json.dumps(told | {"sweep": "x"}))  # it is processed
        assert followers_at_work(os.getpid(), tmp_path) == []
        process.kill()


def test_no_worker_at_work_for_long_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(disturbance, "LONGEST_WAIT", 0.05)
    with pytest.raises(TimeoutError, match="no worker was at work"):
        wait_for(Kind(tmp_path, 1, 1), os.getpid(), random.Random(0))


def test_what_was_killed_less_often_is_next():
    killed, chance = Killed(), random.Random(1)
    assert {killed.is_workers_turn(chance) for _ in range(20)} == {True, False}
    killed.note("program", "ahead of its order, after index")
    assert {killed.is_workers_turn(chance) for _ in range(20)} == {True}
    killed.note("worker", f"following, {HALF}")
    assert str(killed).splitlines()[1:] == [
        "    workers: 1 following",
        "    programs, their workers: 1 ahead of its order",
    ]


def test_processes_of_processes_are_found():
    inner = "import subprocess, sys; subprocess.run(['sleep', '60'])"
    with subprocess.Popen([sys.executable, "-c", inner]) as outer:
        while len(found := descendants(os.getpid())) < 2:
            assert outer.poll() is None
        assert outer.pid in found
        assert processes_left(found) != []
        outer.kill()
    (left,) = [pid for pid in found if pid != outer.pid and is_alive(pid)]
    os.kill(left, 9)


def test_what_differs_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(
        comparing, "rows", lambda output: [{"name": "x", "state": "failed" if output.name == "b" else "processed"}]
    )
    for folder in ("a", "b"):
        for place in ("x", "combined/x"):
            (tmp_path / folder / place).mkdir(parents=True)
            for name in ("merged.mtz", "unmerged.mtz", "summary.json"):
                (tmp_path / folder / place / name).write_text("same")
        (tmp_path / folder / ".autoproc" / "work").mkdir(parents=True)
    (tmp_path / "b" / "combined" / "x" / "merged.mtz").write_text("other")
    (tmp_path / "b" / "x" / "unmerged.mtz").unlink()
    for left in ("work/x.1", "ahead/program"):
        (tmp_path / "b" / ".autoproc" / left).mkdir(parents=True)
    wrong = differences(tmp_path / "a", tmp_path / "b")
    words = ("combined/x/merged.mtz differs", "x/unmerged.mtz differs", "holds", "x.1 is left over",
             "program is left over", "x is failed")  # fmt: skip
    assert [word in line for word, line in zip(words, wrong, strict=True)] == [True] * 6
    assert differences(tmp_path / "a", tmp_path / "a") == []
