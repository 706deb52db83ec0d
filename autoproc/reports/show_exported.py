"""What files that are exported for other programs hold, in a few lines: CIF, scalepack, SHELX .ins, points as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gemmi
import numpy as np

from autoproc.errors import CorruptFile
from autoproc.formats.compressed import read_whole
from autoproc.formats.observed.shelx_ins import read_ins
from autoproc.models.space_group import symbol
from autoproc.wording import angstrom, counted

MOST_CATEGORIES = 8
"""Tables of a CIF block that are told, the longest first."""
COUNTED = {
    "_refln.": "merged reflections", "_diffrn_refln.": "observations", "_atom_site.": "atoms",
    "_reflns_shell.": "shells",
    "_pdbx_diffrn_unmerged_refln.": "unmerged reflections", "_refln_index_h": "reflections",
}  # fmt: skip
"""Tables of CIF that have a name among people."""
SCA_MERGED = "-987"
"""On the second line of a merged scalepack file."""


def format_cif(path: Path) -> str:
    """The blocks of a CIF or mmCIF file: cell, space group, and the longest tables."""
    try:
        document = gemmi.cif.read_string(read_whole(path).decode("utf-8", "replace"))
    except ValueError as error:
        raise CorruptFile(path=path, reason=f"it is no CIF ({str(error)[:80]})") from error
    return "\n\n".join(_block(block) for block in document) or "a CIF file without a block"


def _block(block: gemmi.cif.Block) -> str:
    lines = [f"data_{block.name}"]
    cell = [_first(block, f"_cell{mark}{name}") for name in CELL for mark in (".", "_")]
    known = [value for value in cell if value]
    if known:
        lines.append(f"    cell:         {' '.join(known[:6])}")
    tags = ("_symmetry.space_group_name_H-M", "_space_group_name_H-M_alt", "_symmetry_space_group_name_H-M")
    group = next((value for tag in tags if (value := _first(block, tag))), "")
    if group:
        lines.append(f"    space group:  {group}")
    tables = [(item.loop.length(), item.loop.tags[0]) for item in block if item.loop is not None]
    for n, tag in sorted(tables, reverse=True)[:MOST_CATEGORIES]:
        category = tag.partition(".")[0] + "." if "." in tag else tag
        lines.append(f"    {COUNTED.get(category, category.rstrip('.'))}: {n}")
    return "\n".join(lines)


CELL = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")


def _first(block: gemmi.cif.Block, tag: str) -> str:
    value = block.find_value(tag)
    return "" if value is None or gemmi.cif.is_null(value) else gemmi.cif.as_string(value)


def format_sca(path: Path) -> str:
    """The header of a scalepack file, and how many reflections follow."""
    lines = read_whole(path).decode("ascii", "replace").splitlines()
    if len(lines) > 2 and lines[1].strip() == SCA_MERGED:
        cell, group = lines[2][:60], lines[2][60:].strip()
        rows = [line for line in lines[3:] if line.strip()]
        mates = "I(+) and I(-) apart" if any(len(row) > 28 for row in rows) else "Friedel mates together"
        return (
            f"scalepack file, merged: {counted(len(rows), 'reflection')}, {mates}\n"
            f"    cell:         {' '.join(cell.split())}\n    space group:  {group}"
        )
    words = lines[0].split() if lines else []
    if len(words) < 2 or not words[0].isdigit():
        raise CorruptFile(path=path, reason="it does not begin as scalepack files do")
    n = len([line for line in lines if line.strip()]) - 1 - 2 * int(words[0])
    return f"scalepack file, unmerged: {counted(max(n, 0), 'observation')}\n    space group:  {' '.join(words[1:])}"


def format_ins(path: Path) -> str:
    """What the instructions of a SHELX .ins or .res file tell of the crystal."""
    found = read_ins(path)
    if found is None:
        raise CorruptFile(path=path, reason="it has no CELL, as SHELX files have")
    cell, wavelength, group = found
    return "\n".join([
        "SHELX instructions, beside the .hkl file of the same name",
        f"    cell:         {' '.join(f'{value:g}' for value in cell)}",
        f"    wavelength:   {f'{wavelength:g}' if wavelength else 'not told'}",
        f"    space group:  {symbol(group) if group is not None else 'not one of the tables'}",
    ])  # fmt: skip


def format_points(content: dict[str, Any]) -> str:
    """The points of rlp.json, as export format=json writes it."""
    points = np.array(content["rlp"], float).reshape(-1, 3)
    ids = np.array(content.get("experiment_id", ()), int)
    lines = [f"{len(points)} reciprocal lattice points, 1/Angstrom, for viewers of reciprocal space"]
    if len(ids) == len(points) and len(ids):
        lines.append(f"    of {counted(len(np.unique(ids[ids >= 0])), 'experiment')}; on no lattice: {(ids < 0).sum()}")
    length = np.linalg.norm(points, axis=1)
    if (length > 0).any():
        lines.append(f"    d:  {angstrom(1 / length[length > 0].min())} to {angstrom(1 / length.max())} A")
    return "\n".join(lines)


def points_in(path: Path) -> str:
    """What rlp.json holds; "" for JSON of another kind."""
    try:
        content = json.loads(read_whole(path))
    except ValueError:
        return ""
    return format_points(content) if isinstance(content, dict) and "rlp" in content else ""


EXPORTED: dict[str, Callable[[Path], str]] = {
    ".cif": format_cif, ".mmcif": format_cif, ".cif_pets": format_cif, ".sca": format_sca, ".ins": format_ins,
    ".res": format_ins,
}  # fmt: skip
"""By ending; .json is asked for by its content."""
