"""The demonstration with its own processes: it comes to its good end, and leaves nothing behind where it does not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autoproc.demonstration.crystals import CRYSTALS, N_IMAGES
from autoproc.demonstration.story import TOGETHER
from autoproc.service.processes.program import started

PATIENCE = 60.0
"""Seconds for processes to begin and to end, on a machine that has much else to do."""


HEEDING_CTRL_C = (
    "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "runpy.run_module('autoproc', run_name='__main__', alter_sys=True)"
)
"""As on a terminal: what is begun in the background does not heed it."""


def begun(folder: Path, *more: str) -> subprocess.Popen[str]:
    program = [sys.executable, "-c", HEEDING_CTRL_C, "demo", "--output", str(folder), "--no-browser", *more]
    return subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def until(condition) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return False


def descendants(number: int) -> list[int]:
    """Processes that this one, or one of those, has begun."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = [number]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nothing_is_left_behind(tmp_path, number):
    demo = begun(tmp_path)
    try:
        assert until(lambda: len(descendants(demo.pid)) >= 5), "the program, a worker, what probes, pages, and beamline"
        family = {one: started(one) for one in descendants(demo.pid)}
        os.kill(demo.pid, number)
        demo.wait(PATIENCE)
        assert until(lambda: all(started(one) != when for one, when in family.items()))
    finally:
        demo.kill()
        demo.communicate()


@pytest.mark.slow
def test_all_of_it_comes(tmp_path):
    demo = begun(tmp_path, "--rate", "10")
    try:
        told = demo.communicate(timeout=500)[0]
    finally:
        demo.kill()
    assert demo.returncode == 0, told
    for crystal in CRYSTALS:
        assert f"{crystal.name}: the last of {N_IMAGES} images is written" in told
        assert (tmp_path / "processed" / crystal.name / "merged.mtz").exists()
    assert "demo_2: 2 lattices found; decided: look for lattice 2" in told
    assert "demo_3: damage: intensities change by" in told
    assert f"{TOGETHER}: result" in told
    assert (tmp_path / "processed" / TOGETHER / "merged.mtz").exists()
    assert "missing" not in told
