"""Scripts run with the package as it is installed, and say so where it is not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import autoproc

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
NEEDS_IT = re.compile(r"^(import installed|from autoproc)\b", re.MULTILINE)
PYTHON_SCRIPTS = sorted(p for p in SCRIPTS.iterdir() if p.is_file() and not p.suffix and NEEDS_IT.search(p.read_text()))


@pytest.mark.parametrize("script", PYTHON_SCRIPTS, ids=lambda p: p.name)
def test_a_script_without_autoproc_says_what_to_do(script: Path, tmp_path: Path) -> None:
    """-S: a Python without installed packages, and the sources beside it without compiled kernels are no help."""
    done = subprocess.run([sys.executable, "-S", script, "--help"], capture_output=True, text=True, check=False,
                          cwd=tmp_path, env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"})  # fmt: skip
    assert done.returncode == 1
    assert "autoproc is not installed for" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_script_finds_the_installed_package_from_anywhere(tmp_path: Path) -> None:
    package = Path(autoproc.__file__).parents[1]
    done = subprocess.run([sys.executable, SCRIPTS / "simulate_beamline", tmp_path / "visit", "--images", "2",
                           "--rate", "0"], capture_output=True, text=True, check=False, cwd=tmp_path,
                          env=os.environ | {"PYTHONPATH": str(package)})  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "visit" / "crystal1").glob("*.cbf"))) == 2


def test_none_of_them_prefers_the_sources() -> None:
    assert len(PYTHON_SCRIPTS) >= 6
    assert [p.name for p in SCRIPTS.iterdir() if p.is_file() and "sys.path.insert" in p.read_text()] == []
