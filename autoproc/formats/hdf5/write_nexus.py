"""Write NXmx sweeps: a master file and data files that it links to, bitshuffle/LZ4 as EIGER detectors write."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
from scipy.spatial.transform import Rotation

from autoproc.formats.images.polarisation import stokes_of
from autoproc.models.experiment import Experiment, Panel

# imgCIF has X along the axis and Z to the source; NeXus (McStas) has Z along the beam: half a turn about Y.
TO_NEXUS = np.array([-1.0, 1.0, -1.0])
TILT_AXIS = np.array([1.0, 0.0, 0.0])
DOWNSTREAM = np.array([0.0, 0.0, -1.0])
DETECTOR = "/entry/instrument/detector"
TRANSFORMATIONS = f"{DETECTOR}/transformations"
GAP_BIT, DEAD_BIT = 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class NexusFacts:
    """What a master file says besides the geometry.

    bit_depth : 16 or 32; saturation : counts; mask : (slow, fast) uint32 pixel mask, 0 for good pixels
    two_theta : swing of the detector about the rotation axis, degrees; it is already in the panel's axes
    """

    detector: str
    exposure_time: float
    started: datetime
    mask: np.ndarray
    saturation: int = 1_000_000
    bit_depth: int = 32
    two_theta: float = 0.0
    images_per_file: int = 1000


def write_nexus(
    master: Path, experiment: Experiment, images: Iterable[np.ndarray], facts: NexusFacts
) -> tuple[Path, ...]:
    """Write NAME_master.h5 and its NAME_data_000001.h5 ...; returns the data files.

    images : (slow, fast) int32 in the order of the scan; negative values become the largest unsigned number, as
    EIGER detectors mark pixels without a value.
    """
    data_files = _write_data(master, experiment, images, facts)
    with h5py.File(master, "w") as file:
        _write_entry(file, experiment, facts)
        data = group(file, "/entry/data", "NXdata")
        data.attrs["signal"] = "data_000001"
        for number, path in enumerate(data_files, 1):
            data[f"data_{number:06d}"] = h5py.ExternalLink(path.name, "/entry/data/data")
    return data_files


def _write_data(
    master: Path, experiment: Experiment, images: Iterable[np.ndarray], facts: NexusFacts
) -> tuple[Path, ...]:
    stem, waiting = master.name.removesuffix(".h5").removesuffix("_master"), iter(images)
    n_images, first = experiment.scan.n_images, experiment.scan.image_range[0]
    fast, slow = experiment.detector[0].image_size
    dtype = np.dtype({16: "u2", 32: "u4"}[facts.bit_depth])
    no_value = np.array(2**facts.bit_depth - 1, dtype)
    paths: list[Path] = []
    for start in range(0, n_images, facts.images_per_file):
        count = min(facts.images_per_file, n_images - start)
        paths.append(master.with_name(f"{stem}_data_{len(paths) + 1:06d}.h5"))
        with h5py.File(paths[-1], "w") as file:
            stack = file.create_dataset(
                "/entry/data/data", (count, slow, fast), dtype, chunks=(1, slow, fast),
                **hdf5plugin.Bitshuffle(nelems=0, cname="lz4"),
            )  # fmt: skip
            stack.attrs["image_nr_low"], stack.attrs["image_nr_high"] = first + start, first + start + count - 1
            for index in range(count):
                image = next(waiting)
                stack[index] = np.where(image < 0, no_value, image.astype(dtype))
    return tuple(paths)


def _write_entry(file: h5py.File, experiment: Experiment, facts: NexusFacts) -> None:
    entry = group(file, "/entry", "NXentry")
    entry["definition"] = np.bytes_("NXmx")
    ended = facts.started + timedelta(seconds=facts.exposure_time * experiment.scan.n_images)
    for name, moment in (("start_time", facts.started), ("end_time", ended), ("end_time_estimated", ended)):
        entry[name] = np.bytes_(f"{moment.replace(tzinfo=UTC):%Y-%m-%dT%H:%M:%SZ}")
    instrument = group(file, "/entry/instrument", "NXinstrument")
    _scalar(instrument, "name", np.bytes_("SIMULATED BEAMLINE"), short_name="SIM")
    source = group(file, "/entry/source", "NXsource")
    _scalar(source, "name", np.bytes_("Simulated"), short_name="SIM")
    for path in ("/entry/instrument/beam", "/entry/sample/beam"):
        beam = group(file, path, "NXbeam")
        _scalar(beam, "incident_wavelength", experiment.beam.wavelength, units="angstrom")
        _scalar(beam, "total_flux", 1e12, units="Hz")
        beam["incident_polarization_stokes"] = np.array(stokes_of(experiment.beam))
    _write_sample(file, experiment)
    _write_detector(file, experiment, facts)


def _write_sample(file: h5py.File, experiment: Experiment) -> None:
    sample = group(file, "/entry/sample", "NXsample")
    sample.attrs["NX_class"] = "NXsample"
    sample["name"] = np.bytes_("crystal")
    sample["depends_on"] = np.bytes_("/entry/sample/transformations/omega")
    axes = group(file, "/entry/sample/transformations", "NXtransformations")
    start, width = experiment.scan.oscillation
    omega = start + width * np.arange(experiment.scan.n_images)
    nexus_axis(axes, "omega", omega, kind="rotation", direction=experiment.goniometer.lab_axis, depends_on=".")
    _scalar(axes, "omega_end", omega + width, units="deg")
    _scalar(axes, "omega_increment_set", np.full(len(omega), width), units="deg")


def _write_detector(file: h5py.File, experiment: Experiment, facts: NexusFacts) -> None:
    panel = experiment.detector[0]
    detector = group(file, DETECTOR, "NXdetector")
    swing = Rotation.from_rotvec(np.radians(facts.two_theta) * TILT_AXIS)
    fast, slow, origin = swing.inv().apply(np.array([panel.fast_axis, panel.slow_axis, panel.origin]))
    foot = -origin @ np.column_stack([fast, slow]) / np.asarray(panel.pixel_size)
    distance = float(-origin[2] - foot @ np.array([fast[2], slow[2]]) * panel.pixel_size[0])
    values: dict[str, Any] = {
        "description": np.bytes_(facts.detector), "type": np.bytes_("Pixel"), "sensor_material": np.bytes_("Si"),
        "depends_on": np.bytes_(f"{TRANSFORMATIONS}/det_z"), "gain_setting": np.bytes_("1"),
        "bit_depth_image": facts.bit_depth, "bit_depth_readout": facts.bit_depth,
        "saturation_value": facts.saturation, "underload_value": 0, "pixel_mask_applied": True,
    }  # fmt: skip
    for name, value in values.items():
        detector[name] = value
    detector.create_dataset("pixel_mask", data=facts.mask.astype(np.uint32), **hdf5plugin.Bitshuffle(cname="lz4"))
    metres = {
        "x_pixel_size": panel.pixel_size[0], "y_pixel_size": panel.pixel_size[1], "distance": distance,
        "detector_distance": distance, "sensor_thickness": panel.thickness,
    }  # fmt: skip
    for name, value in metres.items():
        _scalar(detector, name, value / 1000, units="m")
    for name, value in (("frame_time", facts.exposure_time), ("count_time", 0.95 * facts.exposure_time)):
        _scalar(detector, name, value, units="s")
    for name, value in (("beam_center_x", foot[0]), ("beam_center_y", foot[1])):
        _scalar(detector, name, float(value), units="pixels")
    axes = group(file, TRANSFORMATIONS, "NXtransformations")
    swing_path = f"{TRANSFORMATIONS}/two_theta"
    nexus_axis(axes, "two_theta", [facts.two_theta], kind="rotation", direction=TILT_AXIS, depends_on=".")
    nexus_axis(axes, "det_z", [distance / 1000], kind="translation", direction=DOWNSTREAM, depends_on=swing_path)
    write_module(file, panel, (fast, slow, origin + np.array([0.0, 0.0, distance])))


def write_module(file: h5py.File, panel: Panel, axes: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    """The one module; axes: pixel directions and the corner of the first pixel from det_z, mm, imgCIF frame."""
    fast, slow, corner = axes
    module = group(file, f"{DETECTOR}/module", "NXdetector_module")
    module["data_origin"] = np.zeros(2, np.int32)
    module["data_size"] = np.array(panel.image_size[::-1], np.int32)
    module["data_stride"] = np.ones(2, np.int32)
    path = f"{DETECTOR}/module/module_offset"
    det_z = f"{TRANSFORMATIONS}/det_z"
    offset = nexus_axis(module, "module_offset", [0.0], kind="translation", direction=DOWNSTREAM, depends_on=det_z)
    offset.attrs["offset"] = corner * TO_NEXUS / 1000
    offset.attrs["offset_units"] = np.bytes_("m")
    for name, direction, size in (("fast", fast, panel.pixel_size[0]), ("slow", slow, panel.pixel_size[1])):
        nexus_axis(
            module, f"{name}_pixel_direction", [size / 1000], kind="translation", direction=direction, depends_on=path
        )


def group(file: h5py.File, path: str, nx_class: str) -> h5py.Group:
    """A group of a NeXus class."""
    made = file.require_group(path)
    made.attrs["NX_class"] = np.bytes_(nx_class)
    return made


def _scalar(group: h5py.Group, name: str, value: Any, **attributes: str) -> None:
    group[name] = value
    for key, text in attributes.items():
        group[name].attrs[key] = np.bytes_(text)


def nexus_axis(
    group: h5py.Group, name: str, values: Any, *, kind: str, direction: np.ndarray, depends_on: str
) -> h5py.Dataset:
    """One link of a chain of transformations; the direction is in the imgCIF frame."""
    axis = group.create_dataset(name, data=np.asarray(values, float))
    axis.attrs["units"] = np.bytes_("deg" if kind == "rotation" else "m")
    axis.attrs["transformation_type"] = np.bytes_(kind)
    axis.attrs["vector"] = direction * TO_NEXUS
    axis.attrs["offset"] = np.zeros(3)
    axis.attrs["depends_on"] = np.bytes_(depends_on)
    return axis
