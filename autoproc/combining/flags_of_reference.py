"""Free-R flags of merged data, carried on from a reference of the crystal form."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np

from autoproc.combining.against_reference import MAX_CELL_DIFFERENCE, ReferenceFit, cell_difference, fit_merged
from autoproc.errors import ProcessingError
from autoproc.formats.observed.free_flags import FreeFlags
from autoproc.geometry.asu import to_asu
from autoproc.merging.free_r import carried_on, in_sets
from autoproc.models.crystal import Crystal, b_matrix
from autoproc.models.merged import Merged
from autoproc.models.space_group import rotations_of
from autoproc.symmetry.reindex import format_basis, reindex_hkl

MAX_ANGLE_DIFFERENCE = 5.0
"""Degrees by which angles of cells on the same axes may differ, as lengths by MAX_CELL_DIFFERENCE."""
MOST_TEST = 0.25
"""Part of a reference's reflections in its test set beyond which that may be none: it is 0.02 to 0.1 as a rule. Chosen
between them and the half of a column of two values that means something else."""


class OtherAxes(ProcessingError):
    """Data and reference have the same lattice on other axes."""

    what = "the reference's cell, {cell}, is that of the data on other axes, {own}: their indices do not match"
    hint = "autoproc combine reference=FILE integrated.expt integrated.refl puts data on the axes of the reference"


def with_flags_of(merged: Merged, flags: FreeFlags, seed: int = 0) -> Merged:
    """The same data with the flags of a reference. Raises ReferenceDoesNotFit or OtherAxes.

    Flags follow the reflections: where the data are in another setting than the reference, so are the flags, unless it
    does not tell the setting surely. What the reference does not know has flags in the same proportions.
    """
    cell_difference(Crystal(b_matrix(merged.cell.parameters), merged.space_group), flags.cell, flags.space_group)
    require_same_axes(merged.cell, flags.cell)
    fit = None if flags.known is None else fit_merged(merged, flags.known)
    equivalents = np.concatenate([flags.hkl @ w for w in rotations_of(flags.space_group)]).astype(np.int32)
    number = np.tile(flags.number, len(equivalents) // max(len(flags.hkl), 1))
    if fit is not None and not fit.doubt:
        equivalents = reindex_hkl(equivalents, np.linalg.inv(fit.change))
    free_r, is_known = carried_on(merged.hkl, merged.space_group, equivalents, number, seed)
    if not flags.has_sets:
        free_r = in_sets(free_r, merged.hkl, merged.space_group, seed)
    told = _words(flags, fit, int(is_known.sum()), len(merged))
    return replace(merged, free_r=free_r, free_r_origin=told, doubts=(*merged.doubts, *_doubts(flags, fit)))


def _doubts(flags: FreeFlags, fit: ReferenceFit | None) -> list[str]:
    """Why the flags should not be relied on, a sentence each."""
    doubts = []
    if fit is not None and fit.doubt:
        doubts.append(f"free-R flags: {fit.doubt}; the flags are taken as of the same setting")
    share = float((flags.number == 0).mean())
    if share > MOST_TEST:
        doubts.append(
            f"free-R flags: the test set of the reference is {share:.0%} of its reflections, and 2 to 10% is usual: is "
            "it another column?"
        )
    return doubts


def _disputed(flags: FreeFlags) -> int:
    """Reflections of which the reference has several records, or equivalents, with different flags."""
    hkl = to_asu(flags.hkl, flags.space_group)[0]
    pairs = np.unique(np.column_stack([hkl, flags.number]), axis=0)
    return len(pairs) - len(np.unique(hkl, axis=0))


def require_same_axes(own: gemmi.UnitCell, known: gemmi.UnitCell) -> None:
    """Raises OtherAxes."""
    lengths, angles = (np.array([c.parameters[part] for c in (own, known)]) for part in (slice(3), slice(3, 6)))
    is_same = np.abs(lengths[0] / lengths[1] - 1).max() < 2 * MAX_CELL_DIFFERENCE
    if not (is_same and np.abs(angles[0] - angles[1]).max() < MAX_ANGLE_DIFFERENCE):
        cells = [" ".join(f"{x:.2f}" for x in c.parameters) for c in (known, own)]
        raise OtherAxes(cell=cells[0], own=cells[1])


def _words(flags: FreeFlags, fit: ReferenceFit | None, n_known: int, n: int) -> str:
    words = f"Free-R flags of the reference ({flags.convention}) for {n_known} of {n} reflections; "
    words += "the others have new ones in the same proportion" if n_known < n else "none is new"
    n_disputed = _disputed(flags)
    if n_disputed:
        words += (
            f"; {n_disputed} reflections have several flags there, of which the lowest is taken, that of the test set"
        )
    if fit is None:
        return f"{words}; it has no intensities that tell whether its setting is the same"
    if fit.doubt or np.allclose(fit.change, np.eye(3)):
        return words
    return (
        f"{words}; the data are in another setting ({format_basis(fit.change)} leads to the reference's), so are flags"
    )
