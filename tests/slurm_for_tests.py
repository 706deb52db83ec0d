"""A Slurm of one machine, for the tests that need one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))
from collected import slurm
from collected.slurm import start, stop

__all__ = ["slurm_in", "start", "stop"]


@contextmanager
def slurm_in(folder: Path) -> Iterator[Path]:
    """Slurm with its files in a folder, and the environment that leads to it; a test is skipped where there is none."""
    if not slurm.is_there():
        pytest.skip(slurm.MISSING)
    with slurm.slurm_in(folder):
        yield folder
