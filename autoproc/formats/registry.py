"""Which reader understands a file: told by its content, not by its name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from autoproc.errors import CorruptFile, UnsupportedFile
from autoproc.formats import cbf
from autoproc.formats.boundary import reads_file
from autoproc.formats.compressed import read_start
from autoproc.formats.excluded_frames import ExcludingReader
from autoproc.formats.expt import identifier_for, reversed_about_axis
from autoproc.formats.frames import ImageReader
from autoproc.formats.header_values import NO_OVERRIDES, HeaderOverrides
from autoproc.formats.imgcif import is_imgcif, models_from_imgcif
from autoproc.formats.minicbf import HeaderModels, models_from_minicbf
from autoproc.formats.templates import counter_of
from autoproc.models.experiment import Experiment, ImageSet, Scan

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


@reads_file
def kind_of(path: str | Path) -> str:
    """The kind of a file, cbf or hdf5. Raises UnreadableFile, CorruptFile (empty) or UnsupportedFile."""
    start = read_start(path, 512)
    if start.startswith(cbf.MAGIC):
        return "cbf"
    if start.startswith(HDF5_MAGIC):
        return "hdf5"
    if not start:
        raise CorruptFile(path=path, reason="it is empty")
    raise UnsupportedFile(path=path, reason="its content is neither CBF nor HDF5")


@reads_file
def format_name(path: str | Path) -> str:
    """What kind of file it is, in words."""
    if kind_of(path) == "hdf5":
        return "NeXus / DECTRIS HDF5"
    header = cbf.read_cbf_header(path)
    if is_imgcif(header):
        return "imgCIF (full CBF)"
    return "miniCBF EIGER" if "EIGER" in header.text.upper() else "miniCBF PILATUS"


@reads_file
def read_cbf_models(path: str | Path, overrides: HeaderOverrides = NO_OVERRIDES) -> HeaderModels:
    """The models that one CBF image's header describes.

    A negative width of rotation is turned round: about the reversed axis it is positive.
    """
    header = cbf.read_cbf_header(path)
    understand = models_from_imgcif if is_imgcif(header) else models_from_minicbf
    models = understand(path, header, overrides)
    oscillation = overrides.oscillation or models.oscillation
    if oscillation is None or oscillation[1] >= 0:
        return replace(models, oscillation=oscillation)
    reversed_goniometer = reversed_about_axis(models.goniometer)
    return replace(models, goniometer=reversed_goniometer, oscillation=(-oscillation[0], -oscillation[1]))


@reads_file
def read_experiment(path: str | Path, overrides: HeaderOverrides = NO_OVERRIDES) -> Experiment:
    """The experiment that one image (a scan of that image alone) or one master file describes.

    Raises UnreadableFile, UnsupportedFile, CorruptFile or BadHeader.
    """
    path = Path(path).absolute()
    if kind_of(path) == "hdf5":
        from autoproc.formats import nexus  # noqa: PLC0415  (h5py takes long to load)

        return nexus.experiment_from_master(path, overrides)
    models = read_cbf_models(path, overrides)
    counter = counter_of(path.name)
    template, number = (str(path), 1) if counter is None else (str(path.parent / counter.template), counter.number)
    scan = Scan((number, number), models.oscillation or (0.0, 0.0), np.array([models.exposure]))
    imageset = ImageSet("cbf", template)
    return Experiment(
        models.beam,
        models.detector,
        models.goniometer,
        scan,
        imageset,
        identifier=identifier_for(imageset, scan),
        remarks=models.remarks,
    )


def open_reader(experiment: Experiment) -> ImageReader:
    """A reader of the experiment's images. Raises UnreadableFile or CorruptFile."""
    if experiment.imageset is None:
        raise UnsupportedFile(path="the experiment", reason="it names no images")
    reader = _reader_of(experiment, experiment.imageset)
    first = experiment.scan.image_range[0]
    excluded = [number - first for number in experiment.scan.excluded]
    return ExcludingReader(reader, excluded) if excluded else reader


def _reader_of(experiment: Experiment, imageset: ImageSet) -> ImageReader:
    if imageset.kind == "hdf5":
        from autoproc.formats import nexus  # noqa: PLC0415  (h5py takes long to load)

        return nexus.NexusReader(imageset, experiment.detector)
    return cbf.CbfReader(imageset, experiment.scan, experiment.detector)
