"""A Slurm of one machine, for the tests that need one."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "slurm"
MISSING = "there is no Slurm here: scripts/slurm --install"


def is_there() -> bool:
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    return all(shutil.which(name, path=path) for name in ("slurmctld", "slurmd", "sbatch"))


def start(folder: Path) -> None:
    """Begin its programs, the first time or again. They keep no pipe of the test's open."""
    with (folder / "start.log").open("w") as log:
        begun = subprocess.run([SCRIPT, "start", folder], stdout=log, stderr=log, timeout=60, check=False)
    assert begun.returncode == 0, (folder / "start.log").read_text()


def stop(folder: Path) -> None:
    subprocess.run([SCRIPT, "stop", folder], timeout=60, check=True)


@contextmanager
def slurm_in(folder: Path) -> Iterator[Path]:
    """Slurm with its files in a folder, and the environment that leads to it; a test is skipped where there is none."""
    if not is_there():
        pytest.skip(MISSING)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        start(folder)
        try:
            yield folder
        finally:
            stop(folder)
