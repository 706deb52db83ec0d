"""The Slurm of one machine that scripts/slurm begins, for as long as it is needed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[1] / "slurm"
MISSING = "there is no Slurm here: scripts/slurm --install"


def is_there() -> bool:
    """It is installed."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    return all(shutil.which(name, path=path) for name in ("slurmctld", "slurmd", "sbatch"))


def start(folder: Path) -> None:
    """Begin its programs, the first time or again. They keep no pipe of the caller's open. Raises RuntimeError."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "start.log").open("w") as log:
        begun = subprocess.run([SCRIPT, "start", folder], stdout=log, stderr=log, timeout=60, check=False)
    if begun.returncode:
        raise RuntimeError((folder / "start.log").read_text())


def stop(folder: Path) -> None:
    """End its programs."""
    subprocess.run([SCRIPT, "stop", folder], timeout=60, check=True)


@contextmanager
def slurm_in(folder: Path) -> Iterator[Path]:
    """Slurm with its files in a folder, and the environment that leads to it."""
    before = os.environ.get("SLURM_CONF")
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
    try:
        start(folder)
        yield folder
    finally:
        stop(folder)
        os.environ.pop("SLURM_CONF")
        os.environ |= {} if before is None else {"SLURM_CONF": before}


def jobs() -> list[str]:
    """What it has not done with, as its queue says."""
    told = subprocess.run(["squeue", "--noheader", "--format=%i %T"], capture_output=True, text=True, check=True)
    return told.stdout.splitlines()
