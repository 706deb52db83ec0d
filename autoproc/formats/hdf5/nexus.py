"""HDF5 images: NXmx files and DECTRIS masters become experiments."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np

from autoproc.errors import BadHeader, CorruptFile, InputError, TruncatedFile, UnreadableFile, UnsupportedFile
from autoproc.formats.boundary import reads_file
from autoproc.formats.dials.expt import identifier_for, reversed_about_axis
from autoproc.formats.hdf5 import dectris
from autoproc.formats.hdf5.hdf5_frames import NexusReader
from autoproc.formats.hdf5.image_data import choose_detector, entry_of, modules_of
from autoproc.formats.hdf5.nexus_beam import wavelength_of
from autoproc.formats.hdf5.nexus_fields import groups_of_class, spare_number, text_of
from autoproc.formats.hdf5.nexus_geometry import (
    Transformation,
    choose_sample,
    goniometer_of,
    other_moving_axes,
    scan_axis_index,
)
from autoproc.formats.hdf5.nexus_panel import nexus_panel
from autoproc.formats.hdf5.nexus_polarisation import polarisation_in
from autoproc.formats.hdf5.nexus_unused import unused_facts
from autoproc.formats.hdf5.open_hdf5 import Truncated, open_hdf5
from autoproc.formats.hdf5.pixel_masks import pixel_mask
from autoproc.formats.hdf5.segments import Segment, image_datasets, reason_of
from autoproc.formats.header_values import NO_OVERRIDES, HeaderOverrides, required_distance, told
from autoproc.formats.images.beamlines import assumed, day_in, goniometer_of_instrument
from autoproc.formats.images.rotation_steps import EvenRotation, Rotation, are_known, rotation_of
from autoproc.models.experiment import Beam, Detector, Experiment, Goniometer, ImageSet, Panel, Scan

__all__ = ["NexusReader", "experiment_from_master", "experiments_from_master", "is_data_file", "read_master"]


UNKNOWN_SENSOR = "the sensor's material is not one that is known: positions are not corrected for its thickness"


class DataFileGiven(InputError):
    """The images were given, not the master that describes them."""

    what = "{path} holds images but no description of the experiment: it is a data file, not its master"
    hint = "give the master file instead (for example {master})"


class Undescribed(InputError):
    """Images without a description, in a file that is not named as one of a series of data files."""

    what = "{path} does not describe its experiment: it has no NXinstrument group, so no wavelength and no detector"
    hint = "give the master file that was written with these images, or have it written anew; this is none"


@dataclass(frozen=True, slots=True)
class Master:
    """What a master file says.

    whole : all of its images as one sweep; parts : one experiment for each run of images whose rotation goes on
    evenly; warnings : what is doubtful, in plain words
    """

    whole: Experiment
    parts: tuple[Experiment, ...]
    warnings: tuple[str, ...] = ()


@reads_file
def read_master(path: str | Path, overrides: HeaderOverrides = NO_OVERRIDES) -> Master:
    """The experiments of a master file, with what there is to say of them.

    overrides stand in for a wavelength, distance or beam centre that the file lacks.

    Raises UnreadableFile, UnsupportedFile, CorruptFile, BadHeader, UnknownUnit or DataFileGiven.
    """
    path = Path(path).absolute()
    with _opened(path) as handle:
        return _master(path, handle, overrides)


@reads_file
def experiment_from_master(path: str | Path, overrides: HeaderOverrides = NO_OVERRIDES) -> Experiment:
    """The experiment of all images of a master file, taken as one sweep. Raises as read_master does."""
    return read_master(path, overrides).whole


@reads_file
def experiments_from_master(path: str | Path, overrides: HeaderOverrides = NO_OVERRIDES) -> list[Experiment]:
    """One experiment for each run of images whose rotation continues without a gap. Raises as read_master does.

    Screening images at 0, 45 and 90 degrees in one file come out as sweeps of one image each.
    """
    return list(read_master(path, overrides).parts)


@reads_file
def is_data_file(path: str | Path) -> bool:
    """A file that holds images but neither an instrument nor links to other files."""
    with open_hdf5(path) as handle:
        entry = handle.get("entry")
        return not isinstance(entry, h5py.Group) or "instrument" not in entry


@contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    """A master that is open; what the HDF5 library raises on it is said with its name."""
    try:
        with open_hdf5(path) as handle:
            yield handle
    except OSError as error:
        if isinstance(error, Truncated):
            raise TruncatedFile(path=path, reason=str(error)) from error
        reason = str(error)
        if path.is_file() and "signature" in reason:
            raise UnsupportedFile(path=path, reason="it is not an HDF5 file") from error
        if path.is_file() and ("truncated" in reason or "eof" in reason):
            raise CorruptFile(path=path, reason=reason_of(error)) from error
        raise UnreadableFile(path=path, reason=os.strerror(error.errno) if error.errno else reason_of(error)) from error
    except (KeyError, ValueError) as error:
        raise CorruptFile(path=path, reason=f"its description of the experiment is wrong ({told(error)})") from error


def _entry(path: Path, handle: h5py.File) -> h5py.Group:
    entry = entry_of(handle)
    if entry is None:
        raise UnsupportedFile(path=path, reason="the HDF5 file has no NXentry group")
    if not groups_of_class(entry, "NXinstrument"):
        stem, said, _ = path.stem.rpartition("_data_")
        raise DataFileGiven(path=path, master=f"{stem}_master.h5") if said else Undescribed(path=path)
    return entry


def _master(path: Path, handle: h5py.File, overrides: HeaderOverrides) -> Master:
    entry = _entry(path, handle)
    segments = image_datasets(path, handle)
    n_images = sum(len(s) for s in segments)
    if not n_images:
        raise CorruptFile(path=path, reason="it holds no images")
    instrument = groups_of_class(entry, "NXinstrument")[0]
    detector, others = choose_detector(instrument, segments[0].shape)
    if detector is None:
        raise UnsupportedFile(path=path, reason="the instrument has no NXdetector group")
    warnings: list[str] = []
    beam = Beam(wavelength_of(path, entry, instrument, overrides.wavelength, warnings))
    assumed_counts: list[str] = []
    panel = _panel(path, detector, segments[0], beam, overrides, warnings, assumed_counts)
    warnings += pixel_mask(detector, segments[0].shape).warnings
    axes = _axes(entry, warnings)
    rotation = _rotation(path, axes, n_images, overrides, warnings)
    goniometer = _goniometer(axes, entry, instrument, detector, warnings)
    exposure = spare_number(detector, "frame_time", "s", "s", warnings)
    exposure = exposure or spare_number(detector, "count_time", "s", "s", warnings) or 0.0
    first = rotation.runs[0]
    scan = Scan(
        (1, n_images),
        (first.angle, first.width),
        np.full(n_images, exposure),
        np.arange(n_images) * exposure,
    )
    imageset = ImageSet("hdf5", str(path), tuple(range(n_images)))
    if panel.thickness > 0 and not panel.material:
        assumed_counts.append(UNKNOWN_SENSOR)
    unused = unused_facts(handle, entry, detector, others, segments[0])
    polarisation = polarisation_in(entry)
    said = (*polarisation.remarks, *assumed_counts, *((polarisation.warning,) if polarisation.warning else ()))
    whole = Experiment(
        polarisation.of(beam),
        Detector((panel,)),
        goniometer,
        scan,
        imageset,
        identifier=identifier_for(imageset, scan),
        remarks=(*said, *(f"read and not used: {fact}" for fact in unused)),
    )
    parts = tuple(_turning_on(_part(whole, run)) for run in rotation.runs)
    return Master(_turning_on(whole), parts, tuple(dict.fromkeys(warnings)))


def _panel(
    path: Path,
    detector: h5py.Group,
    images: Segment,
    beam: Beam,
    overrides: HeaderOverrides,
    warnings: list[str],
    remarks: list[str],
) -> Panel:
    modules = modules_of(detector)
    if modules:
        panel = nexus_panel(path, detector, modules, images, beam, overrides, warnings, remarks)
    else:
        panel = dectris.panel(path, detector, images, beam.wavelength, warnings, remarks, overrides)
    if overrides.distance is None:
        required_distance(path, panel.distance)
    return panel


def _axes(entry: h5py.Group, warnings: list[str]) -> list[Transformation]:
    axes, _ = choose_sample(entry)
    for axis in other_moving_axes(axes):
        low, high = float(np.min(axis.known)), float(np.max(axis.known))
        scanned = axes[scan_axis_index(axes)].name
        warnings.append(
            f"{axis.name} moved from {low:g} to {high:g} degrees while {scanned} turned: only {scanned} is obeyed, and "
            f"{axis.name} is kept at its first angle"
        )
    return axes or dectris.scanned_axis(entry, warnings)


def _rotation(
    path: Path, axes: list[Transformation], n_images: int, overrides: HeaderOverrides, warnings: list[str]
) -> Rotation:
    if not axes:
        return Rotation((EvenRotation(0, n_images, 0.0, 0.0),))
    axis = axes[scan_axis_index(axes)]
    if not are_known(axis.values):
        if overrides.oscillation is None:
            raise BadHeader(
                path=path,
                field="rotation angle",
                value="not a number for too many images",
                override="oscillation=0,0.1 (degrees)",
            )
        return Rotation((EvenRotation(0, n_images, 0.0, 0.0),))
    rotation = rotation_of(axis.values, axis.turn.widths(axis.values, n_images), n_images)
    guessed = axis.turn.remarks(axis.values, n_images)
    warnings += [*_number_of_angles(len(axis.values), n_images), *guessed, *rotation.warnings]
    return rotation


def _number_of_angles(n_angles: int, n_images: int) -> list[str]:
    """Where a master tells of more or fewer images than there are, in plain words."""
    if n_angles > n_images:
        return [
            f"the master describes {n_angles} images, of which {n_images} are there: "
            "was the collection stopped, or are data files missing?"
        ]
    if 1 < n_angles < n_images:
        return [f"the master gives {n_angles} angles for {n_images} images: the rotation is taken to go on evenly"]
    return []


def _goniometer(
    axes: list[Transformation], entry: h5py.Group, instrument: h5py.Group, detector: h5py.Group, warnings: list[str]
) -> Goniometer:
    """The file's goniometer; that of the beamline where the file has but a single axis in the place that is usual.

    The file writers of detectors put that axis there when nobody tells them otherwise.
    """
    goniometer = goniometer_of(axes) if axes else Goniometer()
    if len(axes) > 1 or not np.allclose(goniometer.lab_axis, (1, 0, 0), atol=1e-6):
        return goniometer
    serials = [text_of(detector, name) for name in ("detector_number", "serial_number", "description")]
    names = [text_of(instrument, "name"), text_of(entry, "instrument_name"), text_of(entry, "source/beamline")]
    day = day_in(text_of(entry, "start_time") or text_of(detector, "detectorSpecific/data_collection_date"))
    for serial in filter(None, [*serials, " "]):
        known = goniometer_of_instrument(serial, names, day)
        if known is not None:
            warnings.append(assumed(known))
            return Goniometer(axis=np.array(known.axes[0], float))
    return goniometer


def _turning_on(experiment: Experiment) -> Experiment:
    """The same with the axis reversed where angles fall: about the reversed axis they rise."""
    start, width = experiment.scan.oscillation
    if width >= 0:
        return experiment
    scan = replace(experiment.scan, oscillation=(-start, -width))
    return replace(experiment, goniometer=reversed_about_axis(experiment.goniometer), scan=scan)


def _part(whole: Experiment, run: EvenRotation) -> Experiment:
    scan, imageset = whole.scan, whole.imageset
    assert scan.exposure_times is not None
    assert scan.epochs is not None
    assert imageset is not None
    if (run.start, run.stop) == (0, scan.n_images):
        return whole
    part = Scan(
        (run.start + 1, run.stop),
        (run.angle, run.width),
        scan.exposure_times[run.start : run.stop],
        scan.epochs[run.start : run.stop],
    )
    images = replace(imageset, indices=tuple(range(run.start, run.stop)))
    return replace(whole, scan=part, imageset=images, identifier=identifier_for(images, part))
