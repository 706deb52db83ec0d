"""Which reader understands a file: told by its content, not by its name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from autoproc.errors import UNREADABLE, CorruptFile, UnsupportedFile
from autoproc.formats.boundary import reads_file
from autoproc.formats.compressed import read_start
from autoproc.formats.dials.expt import identifier_for, reversed_about_axis
from autoproc.formats.dials.unsupported_models import require_no_maps, require_one_panel
from autoproc.formats.header_values import NO_OVERRIDES, HeaderOverrides
from autoproc.formats.images import cbf
from autoproc.formats.images.excluded_frames import ExcludingReader
from autoproc.formats.images.fabio_frames import decode_frame, read_frame, read_frame_content
from autoproc.formats.images.file_frames import MOST_TRIED, FileFormat, FileReader, WrongChecksum
from autoproc.formats.images.frame_headers import NAMES, TOLD_BY, frame_kind, read_frame_header, why_unknown
from autoproc.formats.images.frame_models import models_from_frame
from autoproc.formats.images.frames import StoredImages
from autoproc.formats.images.imgcif import is_imgcif, models_from_imgcif
from autoproc.formats.images.minicbf import HeaderModels, models_from_minicbf
from autoproc.formats.templates import counter_of
from autoproc.models.experiment import Experiment, ImageSet, Scan

CBF = FileFormat(cbf.read_content, cbf.decode_pixels, cbf.agrees_with_md5)
BY_FABIO = FileFormat(read_frame_content, decode_frame)
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


@reads_file
def kind_of(path: str | Path) -> str:
    """The kind of a file: hdf5, cbf, or files for the other formats of one file an image.

    Raises UnreadableFile, CorruptFile (empty) or UnsupportedFile.
    """
    start = read_start(path, TOLD_BY)
    if start.startswith(cbf.MAGIC):
        return "cbf"
    if start.startswith(HDF5_MAGIC):
        return "hdf5"
    if frame_kind(start):
        return "files"
    if not start:
        raise CorruptFile(path=path, reason="it is empty")
    raise UnsupportedFile(path=path, reason=why_unknown(start))


@reads_file
def image_kind(path: str | Path) -> str:
    """The kind of an image or a master: hdf5, cbf, or that of formats.images.frame_headers. Raises as kind_of does."""
    kind = kind_of(path)
    return frame_kind(read_start(path, TOLD_BY)) if kind == "files" else kind


@reads_file
def format_name(path: str | Path) -> str:
    """What kind of file it is, in words."""
    kind = kind_of(path)
    if kind == "hdf5":
        return "NeXus / DECTRIS HDF5"
    if kind == "files":
        return NAMES[read_frame_header(path).kind]
    header = cbf.read_cbf_header(path)
    if is_imgcif(header):
        return "imgCIF (full CBF)"
    return "miniCBF EIGER" if "EIGER" in header.text.upper() else "miniCBF PILATUS"


@reads_file
def read_image_models(path: str | Path, overrides: HeaderOverrides = NO_OVERRIDES) -> HeaderModels:
    """The models that the header of one image in a file of its own describes.

    A negative width of rotation is turned round: about the reversed axis it is positive.
    """
    models = _models_in(path, overrides)
    oscillation = overrides.oscillation or models.oscillation
    if oscillation is None or oscillation[1] >= 0:
        return replace(models, oscillation=oscillation)
    reversed_goniometer = reversed_about_axis(models.goniometer)
    return replace(models, goniometer=reversed_goniometer, oscillation=(-oscillation[0], -oscillation[1]))


def _models_in(path: str | Path, overrides: HeaderOverrides) -> HeaderModels:
    if kind_of(path) == "files":
        return models_from_frame(path, read_frame_header(path), overrides)
    header = cbf.read_cbf_header(path)
    understand = models_from_imgcif if is_imgcif(header) else models_from_minicbf
    return understand(path, header, overrides)


@reads_file
def read_image(path: str | Path) -> np.ndarray:
    """(slow, fast) pixels of one image in a file of its own. Raises UnreadableFile or CorruptFile."""
    if kind_of(path) == "files":
        return read_frame(path)
    content = CBF.load(Path(path))
    pixels = CBF.decode(Path(path), content)
    if cbf.agrees_with_md5(path, content) is False:
        raise WrongChecksum(path=path)
    return pixels


@reads_file
def read_experiment(path: str | Path, overrides: HeaderOverrides = NO_OVERRIDES) -> Experiment:
    """The experiment that one image (a scan of that image alone) or one master file describes.

    Raises UnreadableFile, UnsupportedFile, CorruptFile or BadHeader.
    """
    path = Path(path).absolute()
    if kind_of(path) == "hdf5":
        from autoproc.formats.hdf5 import nexus  # noqa: PLC0415  (h5py takes long to load)

        return nexus.experiment_from_master(path, overrides)
    models = read_image_models(path, overrides)
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


def open_reader(experiment: Experiment, room: int = 0) -> StoredImages:
    """A reader of the experiment's images. Raises UnreadableFile, UnsupportedFile or CorruptFile.

    room : bytes of memory for images, as their files hold them, that will be read once more
    """
    if experiment.imageset is None:
        raise UnsupportedFile(path="the experiment", reason="it names no images")
    require_no_maps(experiment.imageset)
    require_one_panel(experiment, experiment.imageset)
    reader = _reader_of(experiment, experiment.imageset, room)
    first = experiment.scan.image_range[0]
    excluded = [number - first for number in experiment.scan.excluded]
    return ExcludingReader(reader, excluded) if excluded else reader


def _reader_of(experiment: Experiment, imageset: ImageSet, room: int) -> StoredImages:
    if imageset.kind == "hdf5":
        from autoproc.formats.hdf5 import nexus  # noqa: PLC0415  (h5py takes long to load)

        return nexus.NexusReader(imageset, experiment.detector, room)
    file_format = BY_FABIO if _first_kind(experiment, imageset) == "files" else CBF
    return FileReader(file_format, imageset, experiment.scan, experiment.detector, room)


def _first_kind(experiment: Experiment, imageset: ImageSet) -> str:
    """The kind of the first image that is there and can be told; a name alone says little (x.0001, x_1.img)."""
    first, last = experiment.scan.image_range
    for number in range(first, min(last, first + MOST_TRIED) + 1):
        try:
            return kind_of(imageset.path(number))
        except UNREADABLE:
            continue
    return "cbf"
