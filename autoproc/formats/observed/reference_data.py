"""Known data of a crystal form: merged or unmerged MTZ, mmCIF structure factors, or a model as PDB or mmCIF."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import gemmi
import numpy as np

from autoproc.errors import InputError
from autoproc.formats.cell_and_group import CellAgainstGroup, doubts_of_cells
from autoproc.models.crystal import Crystal, b_matrix

MODEL_D_MIN = 2.5
"""Resolution, Angstrom, to which structure factors of a model are computed: enough to tell settings."""
MODEL_D_MAX = 8.0
"""Beyond it the solvent, which is not in the model, dominates."""
INTENSITIES = ("IMEAN", "I", "IOBS", "I-obs", "IPR", "I(+)")
AMPLITUDES = ("FP", "F", "FOBS", "F-obs", "FWT", "FC")
INTENSITY_TYPES, AMPLITUDE_TYPES = ("J", "K"), ("F", "G")
"""Of columns with other labels, such as I_peak; the mean comes before one hand."""
CIF_INTENSITIES = ("intensity_meas", "pdbx_I_plus")
CIF_AMPLITUDES = ("F_meas_au", "F_meas", "pdbx_F_plus", "F_calc_au", "F_calc")


class NoReference(InputError):
    """A file from which no setting can be taken."""

    what = "{path} cannot serve as a reference: {reason}"
    hint = "give an MTZ file with intensities or amplitudes, structure factors as mmCIF, or a model as PDB or mmCIF"


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceData:
    """hkl : (N, 3) int32; intensity : (N,) on any scale; cell, space_group; kind : what it was, in words."""

    hkl: np.ndarray
    intensity: np.ndarray
    cell: gemmi.UnitCell
    space_group: gemmi.SpaceGroup
    kind: str


def read_reference(path: Path) -> ReferenceData:
    """Intensities, or squared amplitudes, of the file. Raises NoReference."""
    try:
        found = _of_mtz(path) if ending(path) == ".mtz" else _of_text(path)
    except (RuntimeError, ValueError, OSError, IndexError) as error:  # gemmi's IndexError of an empty file
        raise NoReference(path=path, reason=str(error)) from error
    if found is None or not found.cell.is_crystal():
        raise NoReference(path=path, reason="it has no cell, no space group, or no intensities or amplitudes")
    _require_possible(path, found)
    good = np.isfinite(found.intensity) & np.any(found.hkl != 0, axis=1)
    if not (good & (found.intensity != 0)).any():
        raise NoReference(path=path, reason="none of its intensities is a number other than 0")
    return ReferenceData(found.hkl[good], found.intensity[good], found.cell, found.space_group, found.kind)


def ending(path: Path) -> str:
    """The ending of a file's name in lower case, also of one that is compressed: .cif of 1abc-sf.cif.gz."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


def _require_possible(path: Path, found: ReferenceData) -> None:
    try:
        doubts_of_cells(path, [Crystal(b_matrix(found.cell.parameters), found.space_group)])
    except CellAgainstGroup as error:
        raise NoReference(path=path, reason=str(error.facts["reason"])) from error


def _of_mtz(path: Path) -> ReferenceData | None:
    mtz = gemmi.read_mtz_file(str(path))
    group = mtz.spacegroup
    if mtz.batches:
        mtz.switch_to_original_hkl()
    found = _first([
        *((mtz.column_with_label(label), False) for label in INTENSITIES),
        *((column, False) for kind in INTENSITY_TYPES for column in mtz.columns if column.type == kind),
        *((mtz.column_with_label(label), True) for label in AMPLITUDES),
        *((column, True) for kind in AMPLITUDE_TYPES for column in mtz.columns if column.type == kind),
    ])  # fmt: skip
    if found is None or group is None:
        return None
    column, is_amplitude = found
    values = np.array(column, float)
    kind = "unmerged data" if mtz.batches else "merged data"
    hkl = np.asarray(mtz.make_miller_array(), np.int32)
    return ReferenceData(hkl, values**2 if is_amplitude else values, mtz.cell, group, kind)


def _first(columns: list[tuple[gemmi.Mtz.Column | None, bool]]) -> tuple[gemmi.Mtz.Column, bool] | None:
    return next(((column, squared) for column, squared in columns if column is not None), None)


def _of_text(path: Path) -> ReferenceData | None:
    if ending(path) in (".cif", ".mmcif"):
        blocks = gemmi.as_refln_blocks(gemmi.cif.read(str(path)))
        for block in blocks:
            found = _of_block(block)
            if found is not None:
                return found
    return _of_model(gemmi.read_structure(str(path)))


def _of_block(block: gemmi.ReflnBlock) -> ReferenceData | None:
    if not block or block.spacegroup is None:
        return None
    labels = block.column_labels()
    for names, is_amplitude in ((CIF_INTENSITIES, False), (CIF_AMPLITUDES, True)):
        label = next((name for name in names if name in labels), None)
        if label is not None:
            values = np.array(block.make_float_array(label), float)
            hkl = np.asarray(block.make_miller_array(), np.int32)
            return ReferenceData(
                hkl, values**2 if is_amplitude else values, block.cell, block.spacegroup, "structure factors"
            )
    return None


def _of_model(structure: gemmi.Structure) -> ReferenceData | None:
    group = structure.find_spacegroup()
    if group is None or not len(structure) or not structure.cell.is_crystal():
        return None
    density = gemmi.DensityCalculatorX()
    density.d_min = MODEL_D_MIN
    density.set_grid_cell_and_spacegroup(structure)
    density.put_model_density_on_grid(structure[0])
    factors = gemmi.transform_map_to_f_phi(density.grid).prepare_asu_data(dmin=MODEL_D_MIN)
    hkl = np.asarray(factors.miller_array, np.int32)
    within = np.asarray(structure.cell.calculate_d_array(hkl)) < MODEL_D_MAX
    return ReferenceData(
        hkl[within], np.abs(np.asarray(factors.value_array))[within] ** 2, structure.cell, group, "a model"
    )
