"""SHELX files: NAME.hkl, unmerged intensities (HKLF 4), and NAME.ins, the beginning of a structure's solution.

Sheldrick (2015), Acta C71, 3; http://shelx.uni-goettingen.de/shelxl_html.php.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import gemmi
import numpy as np

from autoproc import __version__
from autoproc.formats.export.export_params import ExportParams
from autoproc.formats.export.exported import DoesNotFit, Exported, intensities, one_line
from autoproc.formats.observed.composition import formula_units, read_composition
from autoproc.models.experiment import Experiment, shared_cell
from autoproc.models.space_group import symbol

LARGEST, LEAST = 99999.0, -9999.0
"""That fit into the eight columns of F8.2."""
LEAST_SIGMA = 0.01
"""A sigma that reads as 0 would make a reflection infinitely good."""
TUBES = (1.54178, 1.54056, 0.71073, 0.70930, 0.56083, 0.55941)
"""Angstrom: K alpha and K alpha 1 of Cu, Mo and Ag, for which SHELXL has tables of anomalous dispersion."""
SAME_LINE = 1e-3
"""Relative: f' and f'' differ by less than the tables are good to, far from edges."""
LATTICES = {"P": 1, "I": 2, "R": 3, "H": 3, "F": 4, "A": 5, "B": 6, "C": 7}
MOST_INDEX, LEAST_INDEX = 9999, -999


def write_shelx(path: Path, exported: Exported, params: ExportParams) -> list[Path]:
    """Write NAME.hkl and NAME.ins; returns their paths. Raises DoesNotFit or BadComposition."""
    ins = instructions(exported.name, exported.experiments, params)
    r = exported.observations
    value, sigma = intensities(r)
    hkl, batch = r["hkl"], r["experiment_id"] + 1
    if len(hkl) and (hkl.max() > MOST_INDEX or hkl.min() < LEAST_INDEX):
        raise DoesNotFit(
            format="an .hkl file of SHELX",
            reason="an index has more than four characters",
            to_do="use a lower resolution (d_min), or another format",
        )
    factor = column_scale(value, sigma)
    rows = np.column_stack([hkl, value * factor, np.maximum(sigma * factor, LEAST_SIGMA), batch])
    order = np.lexsort((batch, hkl[:, 0], hkl[:, 1], hkl[:, 2]))
    with path.open("w", encoding="ascii") as file:
        file.writelines(_line(row) for row in rows[order].tolist())
        file.write(_line([0.0] * 6))
    second = path.with_suffix(".ins")
    second.write_text(ins, encoding="ascii")
    return [path, second]


def column_scale(value: np.ndarray, sigma: np.ndarray) -> float:
    """The factor with which intensities and sigmas, (N,), fill the columns as far as they may."""
    known = [value[np.isfinite(value)], sigma[np.isfinite(sigma)]]
    largest = max((float(v.max(initial=0.0)) for v in known), default=0.0)
    least = float(known[0].min(initial=0.0))
    limits = [limit / extreme for limit, extreme in ((LARGEST, largest), (LEAST, least)) if extreme]
    return min(limits, default=1.0)


def _line(row: list[float]) -> str:
    h, k, m, value, sigma, batch = row
    return f"{h:4.0f}{k:4.0f}{m:4.0f}{value:8.2f}{sigma:8.2f}{batch:4.0f}\n"


def instructions(name: str, experiments: Sequence[Experiment], params: ExportParams) -> str:
    """What the .ins file says. Raises DoesNotFit or BadComposition."""
    crystals = [e.crystal for e in experiments if e.crystal is not None]
    group, cell = crystals[0].space_group, shared_cell(experiments)
    counts = read_composition(params.composition)
    order = len(group.operations())
    z = params.z or (formula_units(counts, cell.volume, order) if counts else order)
    esd = cell_sigmas([c.cell_esd for c in crystals if c.cell_esd is not None]).tolist()
    lattice, operations = symmetry_cards(group)
    lines = [
        f"TITL {one_line(name, 60)} in {symbol(group)}",
        f"REM  autoproc {__version__}",
        f"CELL {experiments[0].beam.wavelength:8.5f} {_lengths(cell.parameters[:3])} {_angles(cell.parameters[3:])}",
        f"ZERR {z:8d} {' '.join(f'{value:9.5f}' for value in esd[:3])} {_angles(esd[3:])}",
        f"LATT {lattice}",
        *(f"SYMM {operation}" for operation in operations),
    ]
    if counts:
        lines += [f"SFAC {' '.join(counts)}", *dispersion_cards(counts, experiments[0].beam.wavelength)]
        lines += [f"UNIT {' '.join(f'{n * z:g}' for n in counts.values())}"]
    return "\n".join([*lines, "HKLF 4", "END", ""])


def dispersion_cards(elements: Iterable[str], wavelength: float) -> list[str]:
    """DISP for each element, f' and f'' at the wavelength (Cromer & Liberman 1981); none where SHELXL has its own."""
    if any(abs(wavelength / known - 1) < SAME_LINE for known in TUBES):
        return []
    energy = gemmi.hc / wavelength
    cards = []
    for element in elements:
        number = gemmi.Element(element).atomic_number
        real, imaginary = gemmi.cromer_liberman(number, energy) if number > 2 else (0.0, 0.0)
        cards.append(f"DISP {element:<2} {real:9.4f} {imaginary:9.4f}")
    return cards


def cell_sigmas(known: Sequence[Sequence[float]]) -> np.ndarray:
    """(6,) standard uncertainties of a cell that several crystals share, Angstrom and degrees; 0 where none is known.

    Those of the usual one: errors that the sweeps have in common do not become less with their number.
    """
    return np.median(np.array(known, float), axis=0) if known else np.zeros(6)


def symmetry_cards(group: gemmi.SpaceGroup) -> tuple[int, list[str]]:
    """The number after LATT, negative without a centre, and the operations after SYMM.

    Raises DoesNotFit for a centre of symmetry that is not at the origin, which SHELX cannot have.
    """
    operations = group.operations()
    number = LATTICES[operations.find_centering()]
    listed = [op for op in operations.sym_ops if op.triplet() != "x,y,z"]
    if not operations.is_centrosymmetric():
        return -number, [_card(op) for op in listed]
    shifts = {tuple(t) for t in operations.cen_ops}
    inversion = next(op for op in operations.sym_ops if op.rot == gemmi.Op("-x,-y,-z").rot)
    if tuple(t % gemmi.Op.DEN for t in inversion.tran) not in shifts:
        raise DoesNotFit(
            format="an .ins file of SHELX",
            reason=f"{group.xhm()} has its centre of symmetry beside the origin",
            to_do="use the setting with the centre at the origin, usually called :2",
        )
    proper = [op for op in listed if round(np.linalg.det(np.array(op.rot) / gemmi.Op.DEN)) == 1]
    return number, [_card(op) for op in proper]


def _card(operation: gemmi.Op) -> str:
    """An operation with its shifts first, 1/2-X, 1/2+Y, -Z, as programs of SHELX have always written them."""
    parts = []
    for part in operation.triplet().upper().split(","):
        letters, sign, shift = part.rpartition("+") if "+" in part and part[-1].isdigit() else (part, "", "")
        if not sign and part[-1].isdigit():
            letters, sign, shift = part.rpartition("-")
        before = f"{'-' if sign == '-' else ''}{shift}" if shift else ""
        parts.append(before + (letters if not before or letters.startswith("-") else f"+{letters}"))
    return ", ".join(parts)


def _lengths(values: Sequence[float]) -> str:
    return " ".join(f"{value:9.4f}" for value in values)


def _angles(values: Sequence[float]) -> str:
    return " ".join(f"{value:8.3f}" for value in values)
