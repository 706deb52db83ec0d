"""The master file of a recorded sweep: what its start message says, where NXmx and DECTRIS's own files have it.

The stream names the goniometer's axes but not their directions. Omega is written as horizontal, as DECTRIS's own writer
does. Where another axis turns, or the detector is swung, the angles stand in sample/goniometer alone, as in older files
of that writer, so that whoever reads them knows what is not said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np

from autoproc.formats.hdf5.write_nexus import (
    DETECTOR,
    DOWNSTREAM,
    TRANSFORMATIONS,
    group,
    nexus_axis,
    write_module,
)
from autoproc.models.experiment import Panel
from autoproc.recording.start_facts import AngleStep, StartFacts

DATA = "/entry/data/data"
HORIZONTAL = np.array([1.0, 0.0, 0.0])
"""The usual direction of omega, in the imgCIF frame."""
PROGRAM = "autoproc record"


@dataclass(frozen=True, slots=True)
class Layout:
    """How the images of a series are stored: shape (slow, fast), type, and the channels, the processed one first."""

    shape: tuple[int, int]
    dtype: np.dtype
    channels: tuple[str, ...]


def write_master(master: Path, facts: StartFacts, layout: Layout, data_files: list[Path], series: str) -> None:
    """Write a master that links to its data files, which need not be there yet; it appears when it is whole.

    Raises OSError.
    """
    temporary = master.with_name(f".{master.name}.part")
    with h5py.File(temporary, "w") as file:
        entry = group(file, "/entry", "NXentry")
        _write(entry, {"definition": "NXmx", "program_name": PROGRAM, "start_time": facts.arm_date, "series": series})
        _write_instrument(file, facts, layout)
        _write_sample(file, facts)
        _write_chains(file, facts, layout)
        data = group(file, "/entry/data", "NXdata")
        for number, path in enumerate(data_files, 1):
            data[f"data_{number:06d}"] = h5py.ExternalLink(path.name, DATA)
    temporary.rename(master)


def _write_instrument(file: h5py.File, facts: StartFacts, layout: Layout) -> None:
    group(file, "/entry/instrument", "NXinstrument")
    beam = group(file, "/entry/instrument/beam", "NXbeam")
    _write(beam, {"incident_wavelength": facts.wavelength}, units="angstrom")
    detector = group(file, DETECTOR, "NXdetector")
    distance = None if facts.distance is None else abs(facts.distance)  # along the beam or against it, as it is counted
    _write(detector, {
        "description": facts.description, "detector_number": facts.serial_number, "sensor_material": facts.material,
        "saturation_value": facts.saturation, "bit_depth_image": 8 * layout.dtype.itemsize,
        "underload_value": 0 if layout.dtype.kind == "u" else None, **facts.applied,
    })  # fmt: skip
    _write(detector, {
        "x_pixel_size": facts.pixel_size[0], "y_pixel_size": facts.pixel_size[1], "distance": distance,
        "detector_distance": distance, "sensor_thickness": facts.thickness,
    }, units="m")  # fmt: skip
    _write(detector, {"count_time": facts.count_time, "frame_time": facts.frame_time}, units="s")
    _write(detector, {"beam_center_x": facts.beam_centre[0], "beam_center_y": facts.beam_centre[1]}, units="pixel")
    _write(detector, {"threshold_energy": facts.thresholds.get(layout.channels[0])}, units="eV")
    slow, fast = layout.shape
    specific = group(file, f"{DETECTOR}/detectorSpecific", "NXcollection")
    _write(specific, {
        "x_pixels_in_detector": fast, "y_pixels_in_detector": slow, "nimages": facts.n_images,
        "ntrigger": 1 if facts.n_images else None,
    })  # fmt: skip
    mask = facts.masks.get(layout.channels[0])
    if mask is not None:
        bits = mask.unpacked().astype(np.uint32)
        detector.create_dataset("pixel_mask", data=bits, **hdf5plugin.Bitshuffle(nelems=0, cname="lz4"))
    two_theta = facts.axes.get("two_theta")
    if two_theta is not None:
        _write_axes(group(file, f"{detector.name}/goniometer", "NXcollection"), {"two_theta": two_theta}, 1)


def _write_sample(file: h5py.File, facts: StartFacts) -> None:
    group(file, "/entry/sample", "NXsample")
    goniometer = group(file, "/entry/sample/goniometer", "NXcollection")
    axes = {name: axis for name, axis in facts.axes.items() if name != "two_theta"}
    _write_axes(goniometer, axes, facts.n_images or 1)


def _write_chains(file: h5py.File, facts: StartFacts, layout: Layout) -> None:
    """The transformations of NXmx, where all is known that they need and omega alone turns."""
    (x, y), (x_size, y_size) = facts.beam_centre, facts.pixel_size
    swung = facts.axes.get("two_theta")
    turning = {name for name, axis in facts.axes.items() if axis.increment}
    if not (facts.distance and x_size and y_size) or x is None or y is None or (swung and swung.start):
        return
    if turning - {"omega"}:
        return
    millimetres = (1000 * x_size, 1000 * y_size)
    corner = np.array([-x * millimetres[0], y * millimetres[1], 0.0])
    fast, slow = np.array([1.0, 0.0, 0.0]), np.array([0.0, -1.0, 0.0])
    axes = group(file, TRANSFORMATIONS, "NXtransformations")
    file[DETECTOR]["depends_on"] = np.bytes_(f"{TRANSFORMATIONS}/det_z")
    nexus_axis(axes, "det_z", [abs(facts.distance)], kind="translation", direction=DOWNSTREAM, depends_on=".")
    panel = Panel(fast, slow, corner, millimetres, layout.shape[::-1], (0.0, 0.0))
    write_module(file, panel, (fast, slow, corner))
    omega = facts.axes.get("omega")
    if omega is not None:
        file["/entry/sample"]["depends_on"] = np.bytes_("/entry/sample/transformations/omega")
        axes = group(file, "/entry/sample/transformations", "NXtransformations")
        n = facts.n_images or 1
        angles = omega.start + omega.increment * np.arange(n)
        nexus_axis(axes, "omega", angles, kind="rotation", direction=HORIZONTAL, depends_on=".")
        _write(axes, {"omega_end": angles + omega.increment, "omega_increment_set": np.full(n, omega.increment)}, "deg")


def _write_axes(parent: h5py.Group, axes: Mapping[str, AngleStep], n: int) -> None:
    """Angles of each image, as far as their number is known; where it turns, the width of an image in any case."""
    for name, axis in axes.items():
        angles = axis.start + axis.increment * np.arange(n)
        ends = axis.start + axis.increment * np.arange(1, n + 1)
        _write(parent, {name: angles, f"{name}_end": ends, f"{name}_increment": axis.increment}, units="deg")


def _write(parent: h5py.Group, values: Mapping[str, Any], units: str = "") -> None:
    """Data sets of what is known."""
    for name, value in values.items():
        if value is None or (isinstance(value, str) and not value):
            continue
        parent[name] = value
        if units:
            parent[name].attrs["units"] = np.bytes_(units)
