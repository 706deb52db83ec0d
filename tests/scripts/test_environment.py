"""What a machine lacks is said before anything is made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "environment"


def made(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": sys.executable} | environment
    return subprocess.run([SCRIPT, folder / "new"], check=False, env=environment, capture_output=True, text=True)


def stand_in(path: Path, what: str) -> str:
    path.write_text(f"#!/bin/sh\n{what}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("answers", "package", "said"),
    [
        ('case "$2" in *version_info*) exit 1;; esac', "python3.11", "is not Python 3.11 or later"),
        ('case "$2" in *ensurepip*) exit 1;; esac', "python3-venv", "cannot make virtual environments"),
        ('case "$2" in *include*) echo /gone/Python.h;; esac', "python3-dev", "/gone/Python.h"),
    ],
)
def test_a_python_that_lacks_something(tmp_path, answers, package, said):
    done = made(tmp_path, PYTHON=stand_in(tmp_path / "python", answers), CC="true")
    assert done.returncode == 1
    assert said in done.stderr
    assert package in done.stderr
    assert not (tmp_path / "new").exists()


def test_no_compiler(tmp_path):
    done = made(tmp_path, CC="no-such-compiler")
    assert done.returncode == 1
    assert "there is no C compiler (no-such-compiler)" in done.stderr
    assert "apt install gcc" in done.stderr
    assert not (tmp_path / "new").exists()


def test_all_that_is_missing_is_said_at_once(tmp_path):
    answers = 'case "$2" in *ensurepip*) exit 1;; *include*) echo /gone/Python.h;; esac'
    done = made(tmp_path, PYTHON=stand_in(tmp_path / "python", answers), CC="no-such-compiler")
    assert done.returncode == 1
    assert "apt install python3-venv python3-dev gcc" in done.stderr
    assert not (tmp_path / "new").exists()


def test_what_is_up_to_date_is_not_installed_again(tmp_path):
    (tmp_path / "new" / "bin").mkdir(parents=True)
    stand_in(tmp_path / "new" / "bin" / "python", "exit 0")
    first, second = made(tmp_path, CC="true"), made(tmp_path, CC="true")
    assert (first.returncode, second.returncode) == (0, 0)
    assert "Installing autoproc" in first.stdout
    assert "is up to date" in second.stdout
    assert "Installing" not in second.stdout
    os.utime(tmp_path / "new" / "autoproc-installed", (0, 0))
    assert "Installing" in made(tmp_path, CC="true").stdout
