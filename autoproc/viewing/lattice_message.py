"""Points of a reciprocal lattice as bytes: a line of JSON that says what follows, then the columns one after another.

4 bytes MAGIC, 4 bytes the length of the JSON (little-endian), the JSON padded with spaces to a multiple of ALIGNMENT,
the columns, each padded likewise. The JSON tells of each column its type, width and where it begins after the JSON.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from autoproc.legible import legible
from autoproc.viewing.lattice_points import LatticePoints, ice_shells, reciprocal_points

MAGIC = b"RLP1"
ALIGNMENT = 8
"""Bytes: typed arrays of browsers begin at multiples of the size of their numbers."""
WITHIN = 0.998
"""Part of the spots that is in view at first: the others are mostly noise in the corners of the detector."""
TYPES: dict[str, np.dtype[Any]] = {
    "float32": np.dtype("<f4"),
    "int16": np.dtype("<i2"),
    "uint16": np.dtype("<u2"),
    "uint32": np.dtype("<u4"),
}


def lattice_message(points: LatticePoints) -> bytes:
    """The message of some points."""
    columns, blocks, offset = [], [], 0
    for name, column in points.columns.items():
        block = _padded(column.astype(TYPES[column.dtype.name], order="C").tobytes())
        width = column.shape[1] if column.ndim == 2 else 1
        columns.append({"name": name, "type": column.dtype.name, "width": width, "offset": offset})
        blocks.append(block)
        offset += len(block)
    facts = {**lattice_facts(points), "columns": columns}
    head = _padded(json.dumps(facts, default=_as_list, allow_nan=False).encode(), b" ")
    return b"".join([MAGIC, struct.pack("<I", len(head)), head, *blocks])


def lattice_facts(points: LatticePoints) -> dict[str, Any]:
    """What is told beside the points; matrices by rows."""
    counts = np.bincount(points.lattice + 1, minlength=len(points.lattices) + 1)
    lengths = np.linalg.norm(reciprocal_points(points), axis=1)
    return {
        "n": len(points),
        "n_spots": points.n_spots,
        "n_unindexed": int(counts[0]),
        "d_min": _spacing(lengths, 1.0),
        "d_fit": _spacing(lengths, WITHIN),
        "ice": ice_shells(),
        "sweeps": [asdict(sweep) for sweep in points.sweeps],
        "lattices": [
            {
                "experiment": lattice.experiment,
                "sweep": lattice.sweep,
                "name": legible(lattice.name),
                "A": lattice.crystal.A,
                "U": lattice.crystal.U,
                "cell": lattice.crystal.cell,
                "space_group": lattice.crystal.space_group.short_name(),
                "n": int(counts[number + 1]),
            }
            for number, lattice in enumerate(points.lattices)
        ],
    }


def columns_of_message(message: bytes) -> tuple[dict[str, Any], Mapping[str, np.ndarray]]:
    """What lattice_message was made of: the facts, and the columns by name. Raises ValueError."""
    if message[:4] != MAGIC:
        raise ValueError("it is not a message of lattice points")
    (length,) = struct.unpack_from("<I", message, 4)
    facts = json.loads(message[8 : 8 + length])
    columns = {}
    for column in facts["columns"]:
        start, width = 8 + length + column["offset"], column["width"]
        values = np.frombuffer(message, TYPES[column["type"]], facts["n"] * width, start)
        columns[column["name"]] = values.reshape(-1, width) if width > 1 else values
    return facts, columns


def _spacing(lengths: np.ndarray, part: float) -> float | None:
    """d, Angstrom, within which a part of the lengths 1/d is."""
    longest = float(np.quantile(lengths, part)) if lengths.size else 0.0
    return 1 / longest if longest > 0 else None


def _padded(block: bytes, by: bytes = b"\0") -> bytes:
    return block + by * (-len(block) % ALIGNMENT)


def _as_list(value: Any) -> Any:
    return value.tolist()
