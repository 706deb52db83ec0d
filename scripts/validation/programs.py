"""Run autoproc and DIALS as a user would, and say how long they took and how much memory they had."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DIALS_CHAIN = "peer/dials_run.sh"


@dataclass(frozen=True, slots=True)
class Run:
    """output : stdout and stderr; seconds : wall clock; cpu : of all its processes; memory : peak resident set, MB."""

    status: int
    output: str
    seconds: float
    cpu: float
    memory: float

    @property
    def last_line(self) -> str:
        """What it said last."""
        lines = [line for line in self.output.splitlines() if line.strip()]
        return lines[-1].strip() if lines else ""

    @property
    def error_line(self) -> str:
        """The line that names an error, or the last."""
        named = [line.strip() for line in self.output.splitlines() if "rror:" in line or line.startswith("autoproc: ")]
        return named[-1] if named else self.last_line


def run(command: Sequence[str | Path], folder: Path | None = None, **environment: str) -> Run:
    """Run a command to its end, with the output kept."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=folder,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    output = process.stdout.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)  # the usage of this child and those it waited for
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds, cpu = time.perf_counter() - start, usage.ru_utime + usage.ru_stime
    return Run(process.returncode, output, seconds, cpu, usage.ru_maxrss / 1024)


def autoproc(*arguments: str | Path, folder: Path | None = None) -> Run:
    """Run the autoproc of this Python."""
    return run([sys.executable, "-m", "autoproc", *arguments], folder)


def dials_is_installed() -> bool:
    """DIALS's programs are on the path."""
    return shutil.which("dials.integrate") is not None


def dials(program: str, *arguments: str | Path, folder: Path | None = None) -> Run:
    """Run one of DIALS's programs; it needs to be told where the HDF5 filters are."""
    return run([program, *arguments], folder, **filters())


def dials_chain(data: Path, output: Path, images: Sequence[Path]) -> Run:
    """Run the tutorials' chain with the script that comes with the example data; times.txt tells each step's time."""
    return run(["bash", data.parent / DIALS_CHAIN, output, *images], **filters())


def dials_python() -> str:
    """An interpreter that can import dxtbx and iotbx."""
    return os.environ.get("DIALS_PYTHON", "/usr/bin/python3")


def filters() -> dict[str, str]:
    """Where PyPI's hdf5plugin keeps the filters, as the HDF5 library wants to know it."""
    spec = find_spec("hdf5plugin")
    return (
        {} if spec is None or spec.origin is None else {"HDF5_PLUGIN_PATH": str(Path(spec.origin).parent / "plugins")}
    )


def step_times(folder: Path) -> dict[str, float]:
    """Seconds of each step of DIALS's chain, from times.txt."""
    path = folder / "times.txt"
    if not path.exists():
        return {}
    pairs = (line.split() for line in path.read_text().splitlines())
    return {name.removeprefix("dials."): float(seconds) for name, seconds in pairs}
