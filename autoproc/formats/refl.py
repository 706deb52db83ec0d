"""DIALS reflection files (.refl): a msgpack archive of typed columns, read and written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgpack
import numpy as np

from autoproc.errors import CorruptFile
from autoproc.formats.boundary import LONGEST_REASON, reads_file
from autoproc.formats.no_files import read_file
from autoproc.formats.shoeboxes import split_shoeboxes
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

    Shoeboxes are one object of bytes each (see formats.shoeboxes); other columns that are not plain
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
    """Write reflections so that DIALS reads them."""
    data = {}
    for name in reflections:
        column = COLUMNS[name]
        if name == "shoebox":
            data[column.dials] = (SHOEBOX, (len(reflections), b"".join(reflections[name])))
            continue
        kind = _dials_type(name)
        array = np.ascontiguousarray(reflections[name]).astype(TYPES[kind][0], copy=False)
        data[column.dials] = (kind, (len(reflections), array.tobytes()))
    payload = {"identifiers": reflections.identifiers, "nrows": len(reflections), "data": data}
    Path(path).write_bytes(msgpack.packb([MAGIC, VERSION, payload], use_bin_type=True))


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
