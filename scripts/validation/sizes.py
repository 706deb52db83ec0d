"""Times of the whole chain on simulated sweeps of four sizes, by the pixel and by the reflection."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autoproc.formats.dials.refl import read_refl
from validation.programs import Run, autoproc, dials, dials_is_installed, run
from validation.report import Report

INSULIN = ("cell=78,78,78,90,90,90", "space_group=I 21 3", "width=0.2", "d_min=1.5")
SIZES: dict[str, tuple[str, tuple[str, ...]]] = {
    "300x0.3": ("minicbf", ("detector=pilatus300k", "n_images=300", "width=0.5")),
    "600x2.5": ("minicbf", ("detector=pilatus2m", "n_images=600", "distance=190", *INSULIN)),
    "900x4.5": ("nxmx", ("detector=eiger4m", "n_images=900", "distance=120", *INSULIN)),
    "400x18": ("nxmx", ("detector=eiger16m", "n_images=400", "distance=200", "background=0.1", *INSULIN)),
}
"""Format and parameters of each sweep, by the number of its images and their million pixels."""
FORMATS = {"cbf": "minicbf", "hdf5": "nxmx"}
"""Formats in which a beamline writes, and what `autoproc simulate` calls them."""
BY_PIXELS, BY_SPOTS = ("find_spots", "integrate"), ("index", "refine")
READ = """
import sys, time
from autoproc.formats.registry import open_reader
from autoproc.stages.import_sweep import import_sweeps
from autoproc.threads import map_in_order
(sweep,) = import_sweeps([sys.argv[1]]).experiments
reader = open_reader(sweep.experiment)
wall, cpu = time.perf_counter(), time.process_time()
n = sum(image.shape[0] > 0 for image in map_in_order(reader.read, range(reader.n_frames), int(sys.argv[2])))
print(n, reader.shape[0] * reader.shape[1], time.perf_counter() - wall, time.process_time() - cpu)
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """Reading and decoding all images: how many, pixels of each, seconds of wall and processor time."""

    n_images: int
    n_pixels: int
    wall: float
    cpu: float

    @property
    def pixels(self) -> float:
        """Thousand million pixels of the sweep."""
        return 1e-9 * self.n_images * self.n_pixels


def time_size(size: str, images: Path, results: Path, threads: Sequence[int], with_dials: bool, report: Report) -> None:
    """Simulate a sweep unless it is there, time it with each number of threads, and compare."""
    report.section(f"{size} million pixels")
    first = simulated(size, images)
    theirs = _dials_times(first, results / "dials", report) if with_dials and dials_is_installed() else {}
    for n_threads in threads:
        reading = _read_alone(first, n_threads)
        report.say(
            f"\n  {n_threads} thread{'s' if n_threads > 1 else ''} (load before the start {os.getloadavg()[0]:.1f}): "
            f"reading and decoding alone {reading.wall:.1f} s, {reading.cpu / reading.pixels:.2f} ns of processor time "
            "a pixel"
        )
        folder, done = _processed(first, results / f"{n_threads}", n_threads)
        _tell(folder, done, reading, theirs, n_threads, report)


def simulated(size: str, images: Path, written_as: str = "") -> Path:
    """The first file of a sweep's images; written_as : a format of FORMATS, "" for that of its size."""
    own_format, parameters = SIZES[size]
    file_format = FORMATS.get(written_as, own_format)
    folder = images / (size if file_format == own_format else f"{size}_{written_as}")
    pattern = "*_master.h5" if file_format == "nxmx" else "*_00001.cbf"
    if not list(folder.glob("*_truth.npz")):
        done = autoproc("simulate", "sweep", *parameters, "--format", file_format, "--output", folder)
        if done.status:
            raise SystemExit(f"the sweep {size} could not be simulated: {done.error_line}")
    return next(folder.glob(pattern))


def _read_alone(first: Path, n_threads: int) -> Reading:
    done = run([sys.executable, "-c", READ, first, str(n_threads)])
    if done.status:
        raise SystemExit(f"{first} could not be read: {done.last_line}")
    n, n_pixels, wall, cpu = done.last_line.split()
    return Reading(int(n), int(n_pixels), float(wall), float(cpu))


def _processed(first: Path, output: Path, n_threads: int) -> tuple[Path, Run]:
    shutil.rmtree(output, ignore_errors=True)
    done = autoproc("run", first.parent, "--once", "--output", output, "--threads", str(n_threads))
    summaries = list(output.glob("*/summary.json"))
    if len(summaries) != 1:
        raise SystemExit(f"expected one sweep in {output}, found {len(summaries)}: {done.last_line}")
    return summaries[0].parent, done


def _tell(folder: Path, done: Run, reading: Reading, theirs: dict[str, float], n_threads: int, report: Report) -> None:
    summary = json.loads((folder / "summary.json").read_text())
    report.check(summary["status"] == "processed", f"processed: {summary['quality']['verdict']}")
    timings: dict[str, float] = summary["timings"]
    n_reflections = len(read_refl(folder / "stages/integrated.refl")["flags"])
    rows = []
    for stage, seconds in timings.items():
        each = _each(stage, seconds, n_threads, reading, summary["n_spots"], n_reflections)
        rows.append([stage, f"{seconds:.1f}", each, *_beside(theirs.get(stage), seconds)])
    rows.append(["start, writing, end", f"{done.seconds - sum(timings.values()):.1f}", "", "", ""])
    rows.append(["whole chain", f"{done.seconds:.1f}", "", *_beside(sum(theirs.values()) or None, done.seconds)])
    report.table(["seconds", "autoproc", "each", "DIALS", "ratio"], rows)
    report.say(
        f"  {done.seconds / reading.wall:.1f} times the time of reading alone; processor time {done.cpu:.1f} s; "
        f"peak memory {done.memory:.0f} MB; {summary['n_spots']} spots, {n_reflections} reflections"
    )


def _each(stage: str, seconds: float, n_threads: int, reading: Reading, n_spots: int, n_reflections: int) -> str:
    """What a pixel takes of one core, or a spot or a reflection of the clock."""
    if stage in BY_PIXELS:
        return f"{seconds * n_threads / reading.pixels:.2f} ns a pixel"
    if stage in BY_SPOTS:
        return f"{1e6 * seconds / n_spots:.1f} us a spot"
    return "" if stage == "import" else f"{1e6 * seconds / n_reflections:.1f} us a reflection"


def _beside(theirs: float | None, ours: float) -> list[str]:
    return ["", ""] if not theirs else [f"{theirs:.1f}", f"{theirs / max(ours, 0.01):.1f}"]


def _dials_times(first: Path, folder: Path, report: Report) -> dict[str, float]:
    """Seconds of each of DIALS's steps on every core; the chain of its tutorials."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    images = sorted(first.parent.glob("*.cbf")) or [first]
    processes = f"nproc={len(os.sched_getaffinity(0))}"
    inputs = {
        "import": images, "find_spots": ["imported.expt", processes], "index": ["imported.expt", "strong.refl"],
        "refine": ["indexed.expt", "indexed.refl"], "integrate": ["refined.expt", "refined.refl", processes],
        "symmetry": ["integrated.expt", "integrated.refl"], "scale": ["symmetrized.expt", "symmetrized.refl"],
        "merge": ["scaled.expt", "scaled.refl"],
    }  # fmt: skip
    times: dict[str, float] = {}
    begun = time.perf_counter()
    for step, arguments in inputs.items():
        done = dials(f"dials.{step}", *arguments, folder=folder)
        times[step] = done.seconds
        report.say(f"  dials.{step}: {done.seconds:.1f} s, {done.cpu:.1f} s of processor time, {done.memory:.0f} MB")
        if done.status:
            report.say(f"  DIALS gives up at {step} after {time.perf_counter() - begun:.0f} s: {done.error_line}")
            break
    return times
