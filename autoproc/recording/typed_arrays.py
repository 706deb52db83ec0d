"""Arrays in CBOR: typed and of several dimensions (RFC 8746), perhaps compressed (DECTRIS's tag 56500)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import h5py
import hdf5plugin
import numpy as np

from autoproc.errors import InputError

Compression = Literal["none", "lz4", "bslz4"]
MULTI_DIMENSIONAL, COMPRESSED = 40, 56500
TYPED = range(64, 88)
"""Tags of RFC 8746, section 2: 0b010_f_s_e_ll, f for floats, s for signed, e for little-endian, ll for the size."""
RESERVED = 76
MOST_BYTES = 1 << 30
"""Of one image or mask, unpacked: the largest detectors have 18 million pixels of 4 bytes."""
MOST_PIXELS_ACROSS = 1 << 16
HEADERS: Mapping[str, int] = {"lz4": 12, "bslz4": 12}
"""Bytes before the first block of the HDF5 filters' framing: uint64 bytes unpacked, uint32 bytes of a block, both
big-endian."""
LZ4_RATIO = 255
"""Bytes that one of LZ4 may stand for, at the most."""


class BadMessage(InputError):
    """A message of a stream that cannot be used."""

    what = "a message of the stream cannot be used: {reason}"
    hint = "it is dropped, and recording goes on; if this comes again and again, see that it is a DECTRIS Stream V2"


@dataclass(frozen=True, slots=True)
class Packed:
    """An array of two dimensions as it came.

    shape : (slow, fast); item_size : of bitshuffle, bytes, 0 for other compressions; content : as compressed
    """

    shape: tuple[int, int]
    dtype: np.dtype
    compression: Compression
    item_size: int
    content: bytes

    @property
    def n_bytes(self) -> int:
        """Bytes when unpacked."""
        return self.shape[0] * self.shape[1] * self.dtype.itemsize

    def unpacked(self) -> np.ndarray:
        """(slow, fast) in the byte order of this machine. Raises BadMessage where the content is damaged."""
        if self.compression == "none":
            values = np.frombuffer(self.content, self.dtype)
        else:
            values = _through_filter(self).view(self.dtype)
        return values.reshape(self.shape).astype(self.dtype.newbyteorder("="))


def packed(item: object, what: str) -> Packed:
    """An array of two dimensions; what : whose it is, for errors. Raises BadMessage."""
    dimensions, array = _pair(_tagged(item, MULTI_DIMENSIONAL, f"{what} is no array of two dimensions"), what)
    shape = _shape(dimensions, what)
    dtype = _dtype(getattr(array, "tag", None), what)
    content = array.value
    if isinstance(content, bytes):
        return _checked(Packed(shape, dtype, "none", 0, content), what)
    algorithm, item_size, content = _three(_tagged(content, COMPRESSED, f"{what} holds no bytes"), what)
    if algorithm not in HEADERS or not isinstance(content, bytes):
        raise BadMessage(reason=f"{what} is compressed by {str(algorithm)[:20]!r}, which is not known")
    if algorithm == "bslz4" and (isinstance(item_size, bool) or item_size not in (1, 2, 4, 8)):
        raise BadMessage(reason=f"{what} has elements of {str(item_size)[:20]} bytes")
    return _checked(Packed(shape, dtype, algorithm, item_size if algorithm == "bslz4" else 0, content), what)


def _tagged(item: object, tag: int, otherwise: str) -> Any:
    if getattr(item, "tag", None) != tag:
        raise BadMessage(reason=otherwise)
    return item.value  # type: ignore[attr-defined]


def _pair(value: object, what: str) -> tuple[Any, Any]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise BadMessage(reason=f"{what} has no dimensions")
    return value[0], value[1]


def _three(value: object, what: str) -> tuple[Any, Any, Any]:
    if not isinstance(value, list | tuple) or len(value) != 3:
        raise BadMessage(reason=f"{what} does not say how it is compressed")
    return value[0], value[1], value[2]


def _shape(dimensions: object, what: str) -> tuple[int, int]:
    sizes = list(dimensions) if isinstance(dimensions, list | tuple) else []
    if len(sizes) != 2 or not all(type(n) is int and 0 < n <= MOST_PIXELS_ACROSS for n in sizes):
        raise BadMessage(reason=f"{what} has impossible dimensions")
    return sizes[0], sizes[1]


def _dtype(tag: object, what: str) -> np.dtype:
    if not isinstance(tag, int) or tag not in TYPED or tag == RESERVED:
        raise BadMessage(reason=f"{what} is of no type that is known")
    is_float, is_signed, is_little, size = tag >> 4 & 1, tag >> 3 & 1, tag >> 2 & 1, tag & 3
    n_bytes = 1 << size + is_float
    if n_bytes > 8 or (is_float and n_bytes < 4):
        raise BadMessage(reason=f"{what} has numbers of {n_bytes} bytes, which are not read")
    kind = "f" if is_float else "i" if is_signed else "u"
    return np.dtype(f"{'<' if is_little else '>'}{kind}{n_bytes}")


def _checked(array: Packed, what: str) -> Packed:
    """The array, if it claims to have as many bytes as its dimensions ask for."""
    if array.n_bytes > MOST_BYTES:
        raise BadMessage(reason=f"{what} claims to have {array.n_bytes} bytes")
    claimed, size = len(array.content), len(array.content)
    if array.compression != "none":
        claimed = int.from_bytes(array.content[:8], "big") if size > HEADERS[array.compression] else 0
    if claimed != array.n_bytes:
        raise BadMessage(reason=f"{what} has {claimed} bytes of the {array.n_bytes} that its pixels need")
    if claimed > LZ4_RATIO * size:
        raise BadMessage(reason=f"{what} is cut off: {size} bytes cannot hold {claimed}")
    return array


def compressor(compression: Compression) -> dict[str, Any]:
    """What h5py is to be told for a data set whose chunks are compressed so."""
    if compression == "none":
        return {}
    return dict(hdf5plugin.LZ4() if compression == "lz4" else hdf5plugin.Bitshuffle(nelems=0, cname="lz4"))


def _through_filter(array: Packed) -> np.ndarray:
    """The bytes of a compressed array, unpacked by the filter of HDF5 that would read it from a file."""
    size = array.item_size or 1
    n = array.n_bytes // size
    with h5py.File("unpack", "w", driver="core", backing_store=False) as file:
        dataset = file.create_dataset("x", (n,), f"<u{size}", chunks=(n,), **compressor(array.compression))
        try:
            dataset.id.write_direct_chunk((0,), array.content)
            return np.asarray(dataset[()])
        except (OSError, RuntimeError, ValueError) as error:
            raise BadMessage(reason="an array is damaged: it cannot be unpacked") from error
