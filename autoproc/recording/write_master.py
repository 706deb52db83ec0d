"""The master file of a recorded sweep: what its start message says, where NXmx and DECTRIS's own files have it.

The stream names the goniometer's axes but not their directions, so they stand in sample/goniometer, as in the files of
DECTRIS's own writer, and whoever reads them knows what is not said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np

from autoproc.recording.start_facts import Axis, StartFacts

DATA = "/entry/data/data"
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
        entry = _group(file, "/entry", "NXentry")
        _write(entry, {"definition": "NXmx", "program_name": PROGRAM, "start_time": facts.arm_date, "series": series})
        _write_instrument(file, facts, layout)
        _write_sample(file, facts)
        data = _group(file, "/entry/data", "NXdata")
        for number, path in enumerate(data_files, 1):
            data[f"data_{number:06d}"] = h5py.ExternalLink(path.name, DATA)
    temporary.rename(master)


def _write_instrument(file: h5py.File, facts: StartFacts, layout: Layout) -> None:
    _group(file, "/entry/instrument", "NXinstrument")
    beam = _group(file, "/entry/instrument/beam", "NXbeam")
    _write(beam, {"incident_wavelength": facts.wavelength}, units="angstrom")
    detector = _group(file, "/entry/instrument/detector", "NXdetector")
    distance = None if facts.distance is None else abs(facts.distance)  # along the beam or against it, as it is counted
    _write(detector, {
        "description": facts.description, "detector_number": facts.serial_number, "sensor_material": facts.material,
        "saturation_value": facts.saturation, "bit_depth_image": 8 * layout.dtype.itemsize, **facts.applied,
    })  # fmt: skip
    _write(detector, {
        "x_pixel_size": facts.pixel_size[0], "y_pixel_size": facts.pixel_size[1], "distance": distance,
        "detector_distance": distance, "sensor_thickness": facts.thickness,
    }, units="m")  # fmt: skip
    _write(detector, {"count_time": facts.count_time, "frame_time": facts.frame_time}, units="s")
    _write(detector, {"beam_center_x": facts.beam_centre[0], "beam_center_y": facts.beam_centre[1]}, units="pixel")
    _write(detector, {"threshold_energy": facts.thresholds.get(layout.channels[0])}, units="eV")
    slow, fast = layout.shape
    specific = _group(file, "/entry/instrument/detector/detectorSpecific", "NXcollection")
    _write(specific, {
        "x_pixels_in_detector": fast, "y_pixels_in_detector": slow, "nimages": facts.n_images,
        "ntrigger": 1 if facts.n_images else None,
    })  # fmt: skip
    mask = facts.masks.get(layout.channels[0])
    if mask is not None:
        detector.create_dataset("pixel_mask", data=mask, **hdf5plugin.Bitshuffle(nelems=0, cname="lz4"))
    two_theta = facts.axes.get("two_theta")
    if two_theta is not None:
        _write_axes(_group(file, f"{detector.name}/goniometer", "NXcollection"), {"two_theta": two_theta}, 1)


def _write_sample(file: h5py.File, facts: StartFacts) -> None:
    _group(file, "/entry/sample", "NXsample")
    goniometer = _group(file, "/entry/sample/goniometer", "NXcollection")
    axes = {name: axis for name, axis in facts.axes.items() if name != "two_theta"}
    _write_axes(goniometer, axes, facts.n_images or 1)


def _write_axes(group: h5py.Group, axes: Mapping[str, Axis], n: int) -> None:
    """Angles of each image, as far as their number is known; where it turns, the width of an image in any case."""
    for name, axis in axes.items():
        angles = axis.start + axis.increment * np.arange(n)
        ends = axis.start + axis.increment * np.arange(1, n + 1)
        _write(group, {name: angles, f"{name}_end": ends, f"{name}_increment": axis.increment}, units="deg")


def _group(file: h5py.File, path: str, nx_class: str) -> h5py.Group:
    group = file.require_group(path)
    group.attrs["NX_class"] = np.bytes_(nx_class)
    return group


def _write(group: h5py.Group, values: Mapping[str, Any], units: str = "") -> None:
    """Data sets of what is known."""
    for name, value in values.items():
        if value is None or (isinstance(value, str) and not value):
            continue
        group[name] = value
        if units:
            group[name].attrs["units"] = np.bytes_(units)
