"""Seconds from the last image of a sweep to its merged MTZ, where the images come while the program watches."""

from __future__ import annotations

import shutil
from pathlib import Path

from collected.latency import Latency, measure

from validation.report import Report
from validation.sizes import FORMATS, simulated


def time_arrival(size: str, images: Path, results: Path, file_format: str, rate: float, report: Report) -> None:
    """Have a sweep written again, simulated unless it is there, and print the time after its last image by stage.

    file_format : of FORMATS; rate : images a second
    """
    assert file_format in FORMATS
    report.section(f"{size} million pixels, as a beamline writes them ({file_format}, {rate:g} images a second)")
    home = results / f"{size}_{file_format}"
    shutil.rmtree(home, ignore_errors=True)
    latency, before, after = measure(simulated(size, images, file_format), rate, home)
    shutil.rmtree(home)  # as large as the sweep
    tell(latency, report)
    report.say(f"  the images took {latency.written:.1f} s to come; load before {before:.1f}, afterwards {after:.1f}")
    report.say(f"  when the last image came: {latency.known_words}")


def tell(latency: Latency, report: Report) -> None:
    """The table of one sweep."""
    if not report.check(latency.total is not None, f"{latency.name} is {latency.state}"):
        return
    rows = [[stage, f"{seconds:.1f}"] for stage, seconds in latency.stages.items()]
    rows.append(["waiting, writing, placing", f"{latency.besides:.1f}"])
    rows.append(["last image to MTZ", f"{latency.total:.1f}"])
    report.table(["seconds after the last image", f"its order was given after {latency.taken:.1f}"], rows)
