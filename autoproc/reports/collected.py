"""How the images were collected, as their headers say: what a table of data collection asks for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np

from autoproc.models.experiment import Experiment

EARLIEST = 315_532_800.0
"""Seconds since 1970 of the year 1980: an earlier time in a header is a clock that was never set."""


def collected(experiment: Experiment) -> list[tuple[str, str]]:
    """(what, value in words), of what the headers say."""
    return [*_when(experiment), *_beam(experiment), *_detector(experiment), *_scan(experiment)]


def _when(experiment: Experiment) -> Iterator[tuple[str, str]]:
    epochs = experiment.scan.epochs
    known = np.empty(0) if epochs is None else epochs[np.isfinite(epochs) & (epochs > EARLIEST)]
    if len(known):
        begun = datetime.fromtimestamp(float(known.min()), UTC)
        yield "collected", f"{begun:%Y-%m-%d %H:%M:%S} UTC"


def _beam(experiment: Experiment) -> Iterator[tuple[str, str]]:
    beam = experiment.beam
    yield "wavelength", f"{beam.wavelength:.5f} \u00c5 ({12398.4198 / beam.wavelength:.1f} eV)"
    if beam.flux > 0:
        yield "flux", f"{beam.flux:.3g} photons/s"
    if 0 < beam.transmission < 1:
        yield "transmission", f"{beam.transmission:.1%}"


def _detector(experiment: Experiment) -> Iterator[tuple[str, str]]:
    panel = experiment.detector[0]
    if panel.identifier:
        yield "detector", panel.identifier
    pixels = f"{panel.image_size[0]} \u00d7 {panel.image_size[1]} pixels"
    several = f"{len(experiment.detector)} panels of " if len(experiment.detector) > 1 else ""
    yield "pixels", f"{several}{pixels} of {1000 * panel.pixel_size[0]:g} \u00b5m"
    if panel.thickness > 0:
        yield "sensor", f"{panel.thickness:g} mm {panel.material}".rstrip()
    yield "distance", f"{panel.distance:.2f} mm as stated"


def _scan(experiment: Experiment) -> Iterator[tuple[str, str]]:
    scan, gonio = experiment.scan, experiment.goniometer
    first, last = scan.image_range
    start, width = scan.oscillation
    yield "images", f"{scan.n_images}, {first} to {last}"
    axis = f" about {gonio.names[gonio.scan_axis]}" if len(gonio.names) > gonio.scan_axis else ""
    yield "rotation", f"{width:g}\u00b0 an image from {start:g}\u00b0, {scan.n_images * width:g}\u00b0 in all{axis}"
    times = scan.exposure_times
    if times is not None and len(times) and times[0] > 0:
        yield "exposure", f"{times[0]:g} s an image, {float(np.sum(times)):.4g} s in all"
    if experiment.imageset is not None:
        yield "files", experiment.imageset.template
