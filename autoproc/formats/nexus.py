"""HDF5 images: NXmx files and DECTRIS masters become experiments."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np

from autoproc.errors import BadHeader, CorruptFile, InputError, UnreadableFile, UnsupportedFile
from autoproc.formats import dectris
from autoproc.formats.expt import identifier_for
from autoproc.formats.hdf5_frames import NexusReader, image_datasets, reason_of
from autoproc.formats.header_values import NO_OVERRIDES, HeaderOverrides, required_distance, required_wavelength
from autoproc.formats.nexus_fields import groups_of_class, number, text, wavelength_angstrom
from autoproc.formats.nexus_geometry import (
    Transformation,
    goniometer_of,
    panel_frame,
    rotation_per_image,
    sample_axes,
    scan_axis_index,
)
from autoproc.formats.nexus_polarisation import polarisation_in
from autoproc.formats.open_hdf5 import open_hdf5
from autoproc.formats.sensors import attenuation
from autoproc.models.experiment import Beam, Detector, Experiment, Goniometer, ImageSet, Panel, Scan

__all__ = ["NexusReader", "experiment_from_master", "experiments_from_master", "is_data_file"]


class DataFileGiven(InputError):
    """The images were given, not the master that describes them."""

    what = "{path} holds images but no description of the experiment: it is a data file, not its master"
    hint = "give the master file instead (for example {master})"


def experiment_from_master(path: str | Path, overrides: HeaderOverrides = NO_OVERRIDES) -> Experiment:
    """The experiment of all images of a master file, taken as one sweep.

    overrides stand in for a wavelength, distance or beam centre that the file lacks.

    Raises UnreadableFile, UnsupportedFile, CorruptFile, BadHeader or DataFileGiven.
    """
    path = Path(path).absolute()
    try:
        with open_hdf5(path) as handle:
            return _experiment(path, handle, overrides)
    except OSError as error:
        reason = str(error)
        if path.is_file() and "signature" in reason:
            raise UnsupportedFile(path=path, reason="it is not an HDF5 file") from error
        if path.is_file() and ("truncated" in reason or "eof" in reason):
            raise CorruptFile(path=path, reason=reason_of(error)) from error
        raise UnreadableFile(path=path, reason=os.strerror(error.errno) if error.errno else reason_of(error)) from error
    except (KeyError, ValueError) as error:
        raise CorruptFile(path=path, reason=f"its description of the experiment is wrong ({error})") from error


def experiments_from_master(path: str | Path, overrides: HeaderOverrides = NO_OVERRIDES) -> list[Experiment]:
    """One experiment for each run of images whose rotation continues without a gap.

    Screening images at 0, 45 and 90 degrees in one file come out as sweeps of one image each.
    """
    whole = experiment_from_master(path, overrides)
    with open_hdf5(path) as handle:
        axis = _scanned_axis(handle)
    if axis is None or len(axis.values) < 2:
        return [whole]
    return [_part(whole, axis, start, stop) for start, stop in _continuous_runs(axis, whole.scan.n_images)]


def angle_warnings(path: str | Path) -> list[str]:
    """Where a master tells of more or fewer images than there are, in plain words."""
    path = Path(path)
    with open_hdf5(path) as handle:
        axis = _scanned_axis(handle)
        n_images = sum(len(s) for s in image_datasets(path, handle))
    n_angles = n_images if axis is None else len(axis.values)
    if n_angles > n_images:
        return [
            f"the master describes {n_angles} images, of which {n_images} are there: "
            "was the collection stopped, or are data files missing?"
        ]
    if 1 < n_angles < n_images:
        return [f"the master gives {n_angles} angles for {n_images} images: the rotation is taken to go on evenly"]
    return []


def is_data_file(path: str | Path) -> bool:
    """A file that holds images but neither an instrument nor links to other files."""
    with open_hdf5(path) as handle:
        return _lacks_description(handle)


def _lacks_description(handle: h5py.File) -> bool:
    entry = handle.get("entry")
    return not isinstance(entry, h5py.Group) or "instrument" not in entry


def _entry(path: Path, handle: h5py.File) -> h5py.Group:
    entries = groups_of_class(handle, "NXentry") or ([handle["entry"]] if "entry" in handle else [])
    if not entries:
        raise UnsupportedFile(path=path, reason="the HDF5 file has no NXentry group")
    if not groups_of_class(entries[0], "NXinstrument"):
        stem = path.stem.rsplit("_data_", 1)[0]
        raise DataFileGiven(path=path, master=f"{stem}_master.h5")
    return entries[0]


def _experiment(path: Path, handle: h5py.File, overrides: HeaderOverrides) -> Experiment:
    entry = _entry(path, handle)
    n_images = sum(len(s) for s in image_datasets(path, handle))
    if not n_images:
        raise CorruptFile(path=path, reason="it holds no images")
    instrument = groups_of_class(entry, "NXinstrument")[0]
    detectors = groups_of_class(instrument, "NXdetector")
    if not detectors:
        raise UnsupportedFile(path=path, reason="the instrument has no NXdetector group")
    wavelength = required_wavelength(path, overrides.wavelength or _wavelength(entry, instrument))
    samples = groups_of_class(entry, "NXsample")
    axes = sample_axes(samples[0]) if samples else []
    modules = groups_of_class(detectors[0], "NXdetector_module")
    if modules and "fast_pixel_direction" in modules[0]:
        panel = _panel(path, detectors[0], modules, wavelength)
    else:
        panel = dectris.panel(path, detectors[0], wavelength, overrides)
    if overrides.distance is None:
        required_distance(path, panel.distance)
    if not axes:
        axes = dectris.sample_axes(entry)
    if axes and overrides.oscillation is None and not np.all(np.isfinite(axes[scan_axis_index(axes)].values)):
        raise BadHeader(path=path, field="rotation angle", value="not a number", override="oscillation=0,0.1 (degrees)")
    times = number(detectors[0], "frame_time", "s") or number(detectors[0], "count_time", "s") or 0.0
    scan, goniometer = _scan(axes, n_images, times)
    imageset = ImageSet("hdf5", str(path), tuple(range(n_images)))
    polarisation = polarisation_in(entry)
    return Experiment(
        polarisation.of(Beam(wavelength)),
        Detector((panel,)),
        goniometer,
        scan,
        imageset,
        identifier=identifier_for(imageset, scan),
        remarks=(*polarisation.remarks, *((polarisation.warning,) if polarisation.warning else ())),
    )


def _wavelength(entry: h5py.Group, instrument: h5py.Group) -> float | None:
    candidates = [*groups_of_class(instrument, "NXbeam"), *groups_of_class(instrument, "NXmonochromator")]
    for sample in groups_of_class(entry, "NXsample"):
        candidates += groups_of_class(sample, "NXbeam")
    for group in candidates:
        value = wavelength_angstrom(group)
        if value is not None:
            return value
    return None


def _panel(path: Path, detector: h5py.Group, modules: list[h5py.Group], wavelength: float) -> Panel:
    fast, slow, origin, pixel_size = panel_frame(modules[0])
    size_slow, size_fast = (int(n) for n in np.asarray(modules[0]["data_size"][()]).ravel()[-2:])
    if not all(0 < size < np.inf for size in pixel_size):
        raise CorruptFile(
            path=path, reason=f"the pixel size of its detector is {pixel_size[0]:g} x {pixel_size[1]:g} mm"
        )
    if len(modules) > 1:
        size_slow, size_fast = _joined_modules(path, modules, fast, slow, origin, pixel_size)
    if np.dot(np.cross(fast, slow), (0, 0, 1)) ** 2 > 0.98 and origin[2] > 0:
        # Some beamlines write a positive distance along the beam's reverse: nothing can be seen upstream.
        origin = origin * (1, 1, -1)
    material = text(detector["sensor_material"]) if "sensor_material" in detector else ""
    thickness = number(detector, "sensor_thickness", "mm", "m") or 0.0
    underload = number(detector, "underload_value")
    saturation = number(detector, "saturation_value")
    symbol, mu = attenuation(material, wavelength)
    return Panel(
        fast_axis=fast + 0.0,
        slow_axis=slow + 0.0,
        origin=origin + 0.0,
        pixel_size=pixel_size,
        image_size=(size_fast, size_slow),
        trusted_range=(
            -1.0 if underload is None else underload - 1.0,
            float(0x7FFFFFFF) if saturation is None else saturation,
        ),
        thickness=thickness,
        mu=mu,
        material=symbol,
        name=modules[0].name,
    )


def _joined_modules(
    path: Path,
    modules: list[h5py.Group],
    fast: np.ndarray,
    slow: np.ndarray,
    origin: np.ndarray,
    pixel_size: tuple[float, float],
) -> tuple[int, int]:
    """(slow, fast) size of the one panel that several modules make; they must lie on its grid."""
    extent = np.zeros(2, int)
    first = np.asarray(modules[0]["data_origin"][()]).ravel()[-2:]
    for module in modules:
        corner = np.asarray(module["data_origin"][()]).ravel()[-2:]
        _, _, here, _ = panel_frame(module)
        steps = corner - first
        expected = origin + steps[1] * pixel_size[0] * fast + steps[0] * pixel_size[1] * slow
        if np.linalg.norm(here - expected) > 0.05 * pixel_size[0]:
            raise UnsupportedFile(path=path, reason="its detector modules do not lie on one flat grid of pixels")
        extent = np.maximum(extent, corner + np.asarray(module["data_size"][()]).ravel()[-2:])
    return int(extent[0]), int(extent[1])


def _scan(axes: list[Transformation], n_images: int, exposure: float) -> tuple[Scan, Goniometer]:
    times = np.full(n_images, exposure)
    epochs = np.arange(n_images) * exposure
    if not axes:
        return Scan((1, n_images), (0.0, 0.0), times, epochs), Goniometer()
    axis = axes[scan_axis_index(axes)]
    widths = rotation_per_image(axis)
    width = float(np.median(widths)) if len(widths) else 0.0
    return Scan((1, n_images), (float(axis.values[0]), width), times, epochs), goniometer_of(axes)


def _scanned_axis(handle: h5py.File) -> Transformation | None:
    entry = (groups_of_class(handle, "NXentry") or [handle["entry"]])[0]
    samples = groups_of_class(entry, "NXsample")
    axes = sample_axes(samples[0]) if samples else []
    axes = axes or dectris.sample_axes(entry)
    return axes[scan_axis_index(axes)] if axes else None


def _continuous_runs(axis: Transformation, n_images: int) -> list[tuple[int, int]]:
    """(start, stop) of images, 0-based, within which each image starts where the one before ended."""
    starts = axis.values[:n_images]
    widths = rotation_per_image(axis)
    widths = widths[: len(starts)] if len(widths) >= len(starts) else np.full(len(starts), np.median(widths))
    gaps = np.abs(starts[1:] - (starts[:-1] + widths[:-1]))
    tolerance = 0.1 * np.maximum(np.abs(widths[:-1]), 1e-4)
    breaks = np.flatnonzero((gaps % 360.0 > tolerance) & (360.0 - gaps % 360.0 > tolerance)) + 1
    edges = [0, *breaks.tolist(), n_images]
    return list(pairwise(edges))


def _part(whole: Experiment, axis: Transformation, start: int, stop: int) -> Experiment:
    if (start, stop) == (0, whole.scan.n_images):
        return whole
    scan = whole.scan
    assert scan.exposure_times is not None
    assert scan.epochs is not None
    assert whole.imageset is not None
    part = Scan(
        (start + 1, stop),
        (float(axis.values[start]), scan.oscillation[1]),
        scan.exposure_times[start:stop],
        scan.epochs[start:stop],
    )
    imageset = replace(whole.imageset, indices=tuple(range(start, stop)))
    return replace(whole, scan=part, imageset=imageset, identifier=identifier_for(imageset, part))
