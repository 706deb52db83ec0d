"""Make tests/ importable, so that tests share helpers such as tests/shared_data.py."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from autoproc.kernels.staleness import what_stale_kernels_ask_for

sys.path.insert(0, str(Path(__file__).resolve().parent))

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each program that a test starts compiles all of it anew

settings.register_profile("deterministic", derandomize=True, deadline=None)
settings.load_profile("deterministic")


def pytest_sessionstart() -> None:
    """Kernels that are older than their sources may give wrong numbers without a word."""
    if asked := what_stale_kernels_ask_for():
        pytest.exit(asked, returncode=4)
