"""A worker has loaded what its stages ask for before a sweep is there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autoproc import kernels
from autoproc.commands import work
from autoproc.reports import page
from autoproc.service.executing import worker
from autoproc.service.processing.process_job import process_job

TREE = str(Path(kernels.__file__).parents[2])


@pytest.fixture
def loaded(monkeypatch):
    """What a worker does before it says that it is ready, in order."""
    done = []
    monkeypatch.setattr(worker, "work", lambda *ready: done.append(("ready on", *ready)))
    monkeypatch.setattr(work.importlib, "import_module", done.append)
    monkeypatch.setattr(work.os, "nice", lambda by: done.append(f"nicer by {by}"))
    monkeypatch.setattr(work.os, "_exit", lambda status: done.append(f"left with {status}"))
    monkeypatch.setattr(page, "compile_templates", lambda: done.append("templates"))
    monkeypatch.setattr(work.gc, "freeze", lambda: done.append("set aside"))
    monkeypatch.setattr(work.gc, "set_threshold", lambda least: done.append(f"garbage after {least}"))
    return done


def test_it_gives_way_loads_and_only_then_is_ready(loaded):
    work.work_command(7)
    assert loaded == [
        "nicer by 5", *work.LOADED_LATE, "templates", "set aside", f"garbage after {work.GARBAGE_THRESHOLD}",
        ("ready on", 7, process_job), "left with 0",
    ]  # fmt: skip


def test_niceness_that_is_refused_costs_nothing_else(loaded, monkeypatch):
    def refuse(by):
        raise PermissionError

    monkeypatch.setattr(work.os, "nice", refuse)
    work.work_command(7)
    assert loaded[-2:] == [("ready on", 7, process_job), "left with 0"]


def test_what_is_named_can_be_loaded():
    code = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
    subprocess.run([sys.executable, "-c", code, *work.LOADED_LATE], check=True, env=os.environ | {"PYTHONPATH": TREE})


def test_templates_are_those_of_a_report_afterwards(monkeypatch):
    page._environment.cache_clear()
    page.compile_templates()
    monkeypatch.setattr(page._environment(), "compile", lambda *_: pytest.fail("compiled once more"))
    assert page.style_sheet("chart.css")
    page._environment().get_template("report.html")
