"""The program itself, killed a few times; scripts/kill_test does it more often."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "kill_test"


@pytest.fixture
def kill_test(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec = spec_from_loader("kill_test", SourceFileLoader("kill_test", str(SCRIPT)))
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "kill_test", module)  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_results_are_those_of_an_undisturbed_run(kill_test, tmp_path):
    images, reference, output = tmp_path / "images", tmp_path / "undisturbed", tmp_path / "killed"
    kill_test.simulate(images, 1, 12)
    (tmp_path / "patient.toml").write_text(kill_test.PATIENT)
    assert kill_test.autoproc("run", images, "--once", "-o", reference, "-j", 1).wait() == 0
    killed = kill_test.kill_at_random(images, output, tmp_path / "patient.toml", 2, random.Random(0), life=1.5)
    assert killed.worker.total() == killed.program.total() == 1
    assert "program" in str(killed)
    assert kill_test.autoproc("run", images, "--once", "-o", output, "-j", 1).wait() == 0
    assert kill_test.differences(reference, output) == []


def test_a_worker_at_work_writes_a_log_and_tells_its_stage(kill_test, tmp_path):
    log = tmp_path / "x.1" / "autoproc.log"
    log.parent.mkdir()
    writing = f"import time; log = open({str(log)!r}, 'w'); print('begun', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", writing], stdout=subprocess.PIPE) as worker:
        assert worker.stdout.readline() == b"begun\n"
        (found,) = kill_test.workers_at_work(os.getpid())
        assert found == kill_test.AtWork(worker.pid, log)
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
        worker.kill()
    assert not found.is_alive
    assert kill_test.workers_at_work(os.getpid()) == []


def test_no_worker_at_work_for_long_is_said(kill_test, tmp_path, monkeypatch):
    monkeypatch.setattr(kill_test, "LONGEST_WAIT", 0.05)
    with pytest.raises(TimeoutError, match="no worker was at work"):
        kill_test.wait_for(list, tmp_path, random.Random(0))


def test_what_differs_is_found(kill_test, tmp_path, monkeypatch):
    monkeypatch.setattr(kill_test, "rows", lambda output: [{"name": "x", "state": "failed"}])
    for folder in ("a", "b"):
        (tmp_path / folder / "x").mkdir(parents=True)
        (tmp_path / folder / ".autoproc" / "work").mkdir(parents=True)
        for name in ("merged.mtz", "unmerged.mtz"):
            (tmp_path / folder / "x" / name).write_text("same")
    (tmp_path / "b" / "x" / "merged.mtz").write_text("other")
    (tmp_path / "b" / ".autoproc" / "work" / "x.1").mkdir()
    wrong = kill_test.differences(tmp_path / "a", tmp_path / "b")
    assert [word in line for word, line in zip(("differs", "left over", "failed"), wrong, strict=True)] == [True] * 3
