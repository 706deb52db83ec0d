"""Pixels of the formats that fabio decodes, behind the fences of formats.images.frame_headers."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import numpy as np

from autoproc.errors import CorruptFile, UnsupportedFile
from autoproc.formats.boundary import reads_file
from autoproc.formats.images.frame_headers import FrameHeader, parsed_header, read_header_and_content

DECODERS = {
    "smv": ("dtrekimage", "DtrekImage"),
    "edf": ("edfimage", "EdfImage"),
    "marccd": ("marccdimage", "MarccdImage"),
    "tiff": ("tifimage", "TifImage"),
    "bruker": ("brukerimage", "BrukerImage"),
}
"""Module of fabio, which is loaded where it is needed only, and its class."""


@reads_file
def read_frame(path: str | Path) -> np.ndarray:
    """(slow, fast) int32 pixels of an image as they are stored, with the detector's pedestal, without its bias.

    Raises UnreadableFile, UnsupportedFile or CorruptFile.
    """
    return decode_frame(path, read_frame_content(path))


@reads_file
def read_frame_content(path: str | Path) -> bytes:
    """A file's bytes, uncompressed, to the end of its pixels. Raises what read_frame raises."""
    return read_header_and_content(path)[1]


@reads_file
def decode_frame(path: str | Path, content: bytes) -> np.ndarray:
    """Pixels, as read_frame gives them, of the uncompressed content of a file; path : its name, for messages."""
    header = parsed_header(path, content)
    if len(content) < header.n_bytes:  # before anything is allocated for what the header claims
        raise CorruptFile(path=path, reason=f"it is truncated: {len(content)} of {header.n_bytes} bytes are there")
    pixels = np.rot90(_decoded(path, header, content), header.turns)
    if pixels.shape != (header.image_size[1], header.image_size[0]):
        raise CorruptFile(path=path, reason="its pixels cannot be decoded: they are not as many as its header says")
    counts = _as_counts(path, pixels)
    return counts - np.int32(header.bias) if header.bias else counts


def _decoded(path: str | Path, header: FrameHeader, content: bytes) -> np.ndarray:
    """What fabio makes of the content; of formats without a directory it gets no byte beyond the pixels."""
    from fabio.fabioutils import BytesIO  # noqa: PLC0415  (with DECODERS)

    module, name = DECODERS[header.kind]
    decoder = getattr(import_module(f"fabio.{module}"), name)
    stream = BytesIO(content if header.kind == "tiff" else content[: header.n_bytes], fname="image")
    try:
        pixels = np.asarray(decoder().read(stream).data)
    except Exception as error:  # the edge to strangers' files: fabio raises bare Exceptions, too
        raise CorruptFile(path=path, reason=f"its pixels cannot be decoded ({type(error).__name__})") from error
    if pixels.ndim != len(header.image_size):
        raise CorruptFile(path=path, reason="its pixels cannot be decoded: they are no picture")
    return pixels


def _as_counts(path: str | Path, pixels: np.ndarray) -> np.ndarray:
    """Pixels as int32; what does not fit is negative, as markers of bad pixels are."""
    largest = np.iinfo(np.int32).max
    if pixels.dtype.kind == "f":
        whole = np.where(np.isfinite(pixels) & (np.abs(pixels) <= largest), pixels, -1.0).astype(np.float64)
        if np.any(whole != np.rint(whole)):
            raise UnsupportedFile(path=path, reason="its pixels are fractions, not counts")
        return whole.astype(np.int32)
    if pixels.dtype.kind not in "iu":
        raise CorruptFile(path=path, reason="its pixels cannot be decoded: they are no numbers")
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize >= np.dtype(np.int32).itemsize:
        pixels = np.where(pixels > largest, -1, pixels.astype(np.int64))
    return pixels.astype(np.int32)
