"""Scripts say what a machine lacks, with what to do, and not where in them it was missed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def said_by(folder, script, *words, **environment):
    done = subprocess.run([sys.executable, SCRIPTS / script, *words], capture_output=True, text=True, check=False,
                          cwd=folder, env=os.environ | environment)  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("words", ["view_times x.cbf", "lattice_times", "follow_in_browser", "tutorial_pictures"])
def test_without_a_browser(words, tmp_path):
    assert "apt install chromium" in said_by(tmp_path, *words.split(), PATH=str(tmp_path))


@pytest.mark.parametrize(
    ("python", "what"), [("/nowhere/python", "No such file"), (sys.executable, "No module named 'dxtbx'")]
)
def test_without_dials(python, what, tmp_path):
    said = said_by(tmp_path, "compare_frames.py", tmp_path / "x.cbf", DIALS_PYTHON=python)
    assert what in said
    assert "apt install dials" in said


@pytest.fixture
def dials_viewer(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import dials_viewer

    return dials_viewer


def test_a_program_that_is_not_there_is_named(dials_viewer, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    dials_viewer.measure("x.cbf", 1)
    assert "there is no dials.image_viewer: apt install dials" in capsys.readouterr().out


def test_a_picture_is_told_from_a_bare_screen_and_an_empty_window(dials_viewer):
    picture = np.full((50, 60), 250, np.uint8)
    assert not dials_viewer.is_picture(picture)
    assert not dials_viewer.is_picture(np.zeros_like(picture))
    picture[10, 10] = 20
    assert dials_viewer.is_picture(picture)
