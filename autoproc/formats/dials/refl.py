"""DIALS reflection files (.refl): a msgpack archive of typed columns, read and written."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import msgpack
import numpy as np

from autoproc.errors import CorruptFile
from autoproc.formats.boundary import LONGEST_REASON, reads_file
from autoproc.formats.dials.shoeboxes import packed_length, packed_shoeboxes, split_shoeboxes
from autoproc.formats.no_files import read_file
from autoproc.legible import plain
from autoproc.models.columns import COLUMNS
from autoproc.models.reflections import Reflections

SHOEBOX = "Shoebox<>"
MAGIC = "dials::af::reflection_table"
VERSION = 1
TYPES: dict[str, tuple[str, int]] = {
    "bool": ("?", 1),
    "int": ("<i4", 1),
    "std::size_t": ("<u8", 1),
    "double": ("<f8", 1),
    "vec2<double>": ("<f8", 2),
    "vec3<double>": ("<f8", 3),
    "mat3<double>": ("<f8", 9),
    "int6": ("<i4", 6),
    "cctbx::miller::index<>": ("<i4", 3),
}
LENGTHS = ((">B", 0xC4, 0xFF), (">H", 0xC5, 0xFFFF), (">I", 0xC6, 0xFFFFFFFF))
"""How msgpack writes the length of a byte string, its mark before it, and up to which."""
MOST_BYTES = LENGTHS[-1][-1]
OUR_NAMES = {column.dials: name for name, column in COLUMNS.items()} | {"dqe": "qe"}


@reads_file
def read_refl(path: str | Path) -> Reflections:
    """Reflections from a .refl file; columns that models.columns does not know are left out.

    Raises UnreadableFile or CorruptFile.
    """
    raw = read_refl_columns(path)
    columns = {OUR_NAMES[name]: values for name, values in raw["columns"].items() if name in OUR_NAMES}
    return Reflections(columns, raw["identifiers"])


@reads_file
def read_refl_columns(path: str | Path) -> dict[str, Any]:
    """Every column of a .refl file under its DIALS name: {identifiers, n_rows, columns, types}.

    Shoeboxes are one object of bytes each (see formats.dials.shoeboxes); other columns that are not plain
    numbers appear in `types` only.
    """
    data = read_file(path)
    try:
        magic, version, payload = msgpack.unpackb(data, raw=False, strict_map_key=False)
        columns = {
            name: _decode(kind, count, block)
            for name, (kind, (count, block)) in payload["data"].items()
            if kind in TYPES
        }
        if payload["data"].get("shoebox", ("",))[0] == SHOEBOX and "bbox" in columns:
            boxes = split_shoeboxes(payload["data"]["shoebox"][1][1], columns["bbox"])
            columns |= {"shoebox": boxes} if boxes is not None else {}
        types = {name: kind for name, (kind, _) in payload["data"].items()}
        n_rows, identifiers = payload["nrows"], payload["identifiers"]
        _check(n_rows, identifiers, columns, types)
    except (ValueError, KeyError, TypeError, AttributeError, msgpack.UnpackException) as error:
        said = plain(error)[:LONGEST_REASON]
        raise CorruptFile(path=path, reason=f"it is not a DIALS reflection file ({said})") from error
    if magic != MAGIC or version != VERSION:
        said = f"{magic!r} version {version!r}"[:LONGEST_REASON]
        raise CorruptFile(path=path, reason=f"it holds {said}, expected {MAGIC!r} {VERSION}")
    return {"identifiers": dict(identifiers), "n_rows": n_rows, "columns": columns, "types": types}


def write_refl(path: str | Path, reflections: Reflections) -> None:
    """Write reflections so that DIALS reads them; shoeboxes that are more than the format can hold are left out."""
    packer = msgpack.Packer(use_bin_type=True)
    n_boxes = packed_length(reflections["shoebox"], reflections["bbox"]) if "shoebox" in reflections else 0
    names = [name for name in reflections if name != "shoebox" or n_boxes <= MOST_BYTES]
    with Path(path).open("wb") as file:
        file.write(packer.pack_array_header(3) + packer.pack(MAGIC) + packer.pack(VERSION) + packer.pack_map_header(3))
        file.write(packer.pack("identifiers") + packer.pack(reflections.identifiers))
        file.write(packer.pack("nrows") + packer.pack(len(reflections)))
        file.write(packer.pack("data") + packer.pack_map_header(len(names)))
        for name in names:
            is_boxes = name == "shoebox"
            file.write(packer.pack(COLUMNS[name].dials) + packer.pack_array_header(2))
            file.write(packer.pack(SHOEBOX if is_boxes else _dials_type(name)) + packer.pack_array_header(2))
            file.write(packer.pack(len(reflections)))
            if is_boxes:
                boxes = packed_shoeboxes(reflections[name], reflections["bbox"], reflections["panel"])
                _write_bytes(file, n_boxes, boxes)
            else:
                values = _as_dials(name, reflections[name])
                _write_bytes(file, values.nbytes, [values.data] if values.size else [])


def _write_bytes(file: IO[bytes], length: int, pieces: Iterable[bytes | memoryview]) -> None:
    """A byte string of msgpack, whose pieces need not be in memory together. Raises ValueError if it is too long."""
    if length > MOST_BYTES:
        raise ValueError(f"{length} bytes are more than a .refl file can hold in a column")
    form, mark = next((form, mark) for form, mark, most in LENGTHS if length <= most)
    file.write(bytes([mark]) + struct.pack(form, length))
    for piece in pieces:
        file.write(piece)


def _as_dials(name: str, column: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(column).astype(TYPES[_dials_type(name)][0], copy=False)


def _check(n_rows: Any, identifiers: Any, columns: dict[Any, np.ndarray], types: dict[Any, Any]) -> None:
    """Raise ValueError for a table that does not hold together."""
    if not all(isinstance(name, str) and isinstance(kind, str) for name, kind in types.items()):
        raise ValueError("names or types of its columns are no texts")
    if not all(isinstance(n, int) and isinstance(text, str) for n, text in identifiers.items()):
        raise ValueError("its identifiers are not texts with a number each")
    lengths = {len(values) for values in columns.values()}
    if not isinstance(n_rows, int) or lengths - {n_rows}:
        raise ValueError(f"its columns have {sorted(lengths)} rows, where it says {n_rows!r}")


def _decode(kind: str, count: int, block: bytes) -> np.ndarray:
    dtype, width = TYPES[kind]
    array = np.frombuffer(block, dtype=dtype)
    return array.reshape(count, width) if width > 1 else array.reshape(count)


def _dials_type(name: str) -> str:
    column = COLUMNS[name]
    if name == "hkl":
        return "cctbx::miller::index<>"
    scalar: dict[type, str] = {np.bool_: "bool", np.int32: "int", np.uint64: "std::size_t", np.float64: "double"}
    if column.width == 1:
        return scalar[column.dtype]
    return "int6" if column.width == 6 else "vec3<double>"
