"""The tables of symmetry determination, as text."""

from __future__ import annotations

from collections.abc import Sequence

import gemmi
import numpy as np

from autoproc.models.space_group import symbol
from autoproc.symmetry.absences import Absences, ScrewAxis, absence_signature
from autoproc.symmetry.elements import ElementScore
from autoproc.symmetry.glide_plane import GlidePlane
from autoproc.symmetry.laue_group import SubgroupScore
from autoproc.symmetry.reindex import format_basis
from autoproc.symmetry.undecided import undecided
from autoproc.text_tables import ruled_table
from autoproc.wording import counted

MOST_ROWS = 10
"""Of all space groups those that are told, the likeliest."""
LEAST_TOLD = 5e-4
"""Likelihood of those: three digits of less show nothing."""


def spaced(group: gemmi.SpaceGroup) -> str:
    """Hermann-Mauguin symbol as the tables print it, "R -3 m :H"."""
    return symbol(group).replace(":", " :")


def element_table(elements: Sequence[ElementScore]) -> str:
    """Scores of the symmetry elements; axes are directions in the reduced cell."""
    header = ["likelihood", "Z-CC", "CC", "N", "", "Operator"]
    rows = [
        [round(e.likelihood, 3), f"{e.z_cc:.2f}", f"{e.cc:.2f}", f"{e.sums.n_pairs:.0f}", e.stars, _operator(e)]
        for e in elements
    ]
    return ruled_table(header, rows, left=(4, 5))


def _operator(element: ElementScore) -> str:
    u, v, w = element.axis
    return f"{element.order} |({u}, {v}, {w})"


def subgroup_table(subgroups: Sequence[SubgroupScore]) -> str:
    """Scores of all possible Laue groups; the operator reindexes from the reduced cell."""
    header = [
        "Patterson group", "", "Likelihood", "NetZcc", "Zcc+", "Zcc-", "CC", "CC-", "delta", "Reindex operator",
    ]  # fmt: skip
    rows = [
        [
            spaced(s.subgroup.patterson), s.stars, round(s.likelihood, 3), round(s.net_z_cc, 2),
            round(s.z_cc_for, 2), round(s.z_cc_against, 2), round(s.cc_for, 2), round(s.cc_against, 2),
            round(s.subgroup.delta, 1), format_basis(s.subgroup.basis),
        ]
        for s in subgroups
    ]  # fmt: skip
    return ruled_table(header, rows, left=(0, 1, 9))


def screw_table(absences: Absences) -> str:
    """The possible screw axes and their axial reflections; empty where there are none."""
    return _table_of_absences("Screw axis", absences.screw_axes)


def glide_table(absences: Absences) -> str:
    """The possible glide planes and their zones; empty where there are none or they were not looked for."""
    return _table_of_absences("Glide plane", absences.glide_planes)


def _table_of_absences(what: str, tested: Sequence[ScrewAxis] | Sequence[GlidePlane]) -> str:
    if not tested:
        return ""
    header = [
        what, "Score", "No. present", "No. absent", "<I> present", "<I> absent", "<I/sig> present", "<I/sig> absent",
    ]  # fmt: skip
    rows = [
        [
            s.name, s.score, s.n_present, s.n_absent, s.i_present, s.i_absent,
            s.i_over_sigma_present, s.i_over_sigma_absent,
        ]
        for s in tested
    ]  # fmt: skip
    return ruled_table(header, rows, left=(0,))


def space_group_table(absences: Absences) -> str:
    """The possible space groups and their probability; enantiomorphs share a line."""
    if absences.centre is not None:
        likely = [c for c in absences.candidates[:MOST_ROWS] if c.score >= LEAST_TOLD]
        told = [[", ".join(symbol(g) for g in c.groups), f"{c.score:.3f}"] for c in likely]
        return ruled_table(["Space group", "likelihood"], told, left=(0,))
    rows = [[", ".join(symbol(g) for g in c.groups), c.score] for c in absences.candidates]
    return ruled_table(["Space group", "score"], rows, left=(0,))


def of_all_groups(absences: Absences) -> list[str]:
    """What was weighed beside the absences where all space groups were compared, in words."""
    centre = absences.centre
    if centre is None:
        return []
    told = ["All space groups of the Laue class were compared, as for a small molecule, by absences, how often they"
            " occur, and the distribution of intensities."]  # fmt: skip
    if centre.mean is None:
        told.append(f"{counted(centre.n, 'general reflection')}: too few to tell a centre of symmetry.")
    else:
        side = "with" if centre.log_ratio > 0 else "without"
        told.append(
            f"<|E^2 - 1|> of {centre.n} reflections is {centre.mean:.2f}; with a centre of symmetry it would be "
            f"{centre.with_centre:.2f}, without one {centre.without:.2f}: {side} a centre is "
            f"{np.exp(min(abs(centre.log_ratio), 50.0)):.0f} times as likely."
        )
    best = absences.candidates[0]
    signature = absence_signature(best.groups[0])
    same = [c for c in absences.candidates[1:] if absence_signature(c.groups[0]) == signature]
    if same:
        names = ", ".join(f"{' or '.join(symbol(g) for g in c.groups)} ({c.score:.3f})" for c in same)
        told.append(f"The same absences as {symbol(best.groups[0])} ({best.score:.3f}) has {names}.")
    return [*told, *undecided(absences)]
