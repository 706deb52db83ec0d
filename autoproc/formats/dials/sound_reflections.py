"""Integrated or scaled reflections of a .refl file that can be taken; what is held twice or absurd is counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoproc.formats.absurd_numbers import absurd
from autoproc.formats.cell_and_group import forbidden_by_centring
from autoproc.formats.repeated_records import codes_of, is_repeat
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import Experiment
from autoproc.models.numbering import rows_by_experiment
from autoproc.models.reflections import Flag, Reflections
from autoproc.models.space_group import symbol

ESTIMATES = (("prf", Flag.INTEGRATED_PRF, "profile-fitted"), ("sum", Flag.INTEGRATED_SUM, "summed"))
INTEGRATED = Flag.INTEGRATED_PRF | Flag.INTEGRATED_SUM
PLACES = ("xyz_cal_px", "xyz_obs_px")
SAME_RESOLUTION = 0.01
"""Relative, by which resolutions in a column may be off those that the cell makes: refinement changes cells by less."""


def sound_reflections(table: Reflections) -> tuple[Reflections, list[str]]:
    """The table with each reflection once and without impossible intensities; what was found, a sentence each."""
    if "flags" not in table or "hkl" not in table or not any(f"intensity_{name}" in table for name, *_ in ESTIMATES):
        return table, []
    told = []
    repeat = _held_twice(table)
    if repeat.any():
        told.append(f"{int(repeat.sum())} reflections are in the table twice or more, and are used once")
        table = table[~repeat]
    for name, flag, kind in ESTIMATES:
        if {f"intensity_{name}", f"variance_{name}"} <= set(table):
            wrong, why = _impossible(table, name, table.has_flag(flag))
            told += [f"{kind} intensities that are left out: {', '.join(why)}"] if why else []
            table = table.without_flag(flag, wrong) if why else table
    if {"intensity_scale", "variance_scale"} <= set(table):
        used = ~table.has_any_flag(Flag.BAD_FOR_SCALING) & table.has_flag(Flag.SCALED)
        wrong, why = _impossible(table, "scale", used)
        told += [f"scaled intensities that are left out: {', '.join(why)}"] if why else []
        table = table.without_flag(Flag.SCALED, wrong).with_flag(Flag.EXCLUDED_FOR_SCALING, wrong) if why else table
    return table, told


def _held_twice(table: Reflections) -> np.ndarray:
    """(N,) bool: integrated reflections of which an earlier one is the same to the last digit."""
    place = next((name for name in PLACES if name in table), None)
    rows = np.flatnonzero(table["hkl"].any(axis=1) & table.has_any_flag(INTEGRATED))
    repeat = np.zeros(len(table), bool)
    if place is None or not len(rows):
        return repeat
    values = [table[name][rows] for name in ("intensity_prf", "intensity_sum") if name in table]
    codes = codes_of([table["experiment_id"][rows], *table["hkl"][rows].T, *table[place][rows].T, *values])
    repeat[rows] = is_repeat(codes) & np.isfinite(table[place][rows, 2])
    return repeat


def _impossible(table: Reflections, name: str, used: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """(N,) bool, of those that are used, and why."""
    rows = np.flatnonzero(used)
    with np.errstate(invalid="ignore"):
        sigma = np.sqrt(np.maximum(table[f"variance_{name}"][rows], 0.0))
    where, why = absurd(table[f"intensity_{name}"][rows], sigma)
    wrong = np.zeros(len(table), bool)
    wrong[rows] = where
    return wrong, why


def doubts_of_table(experiments: Sequence[Experiment], table: Reflections) -> list[str]:
    """What of reflections does not go with the experiments that they are given with, a sentence each."""
    return [*_of_numbers(experiments, table), *_of_lattices(experiments, table)]


def _of_numbers(experiments: Sequence[Experiment], table: Reflections) -> list[str]:
    own = {e.identifier for e in experiments if e.identifier}
    unknown = [n for n, name in table.identifiers.items() if name and own and name not in own]
    without = sorted(set(range(len(experiments))) - set(np.unique(table["experiment_id"]).tolist()))
    doubts = []
    if unknown:
        doubts.append(
            f"experiment{'s' * (len(unknown) > 1)} {_listed(unknown)} of the .refl file have other identifiers than "
            "those of the .expt file: they are taken by their numbers; are the files of one step?"
        )
    if without and len(table):
        doubts.append(f"there are no reflections of experiment{'s' * (len(without) > 1)} {_listed(without)}")
    return doubts


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:10])) + (" ..." if len(numbers) > 10 else "")


def _of_lattices(experiments: Sequence[Experiment], table: Reflections) -> list[str]:
    doubts: list[str] = []
    if "hkl" not in table:
        return doubts
    for number, rows in rows_by_experiment(table["experiment_id"]).items():
        crystal = experiments[number].crystal if 0 <= number < len(experiments) else None
        own = table[rows[table["hkl"][rows].any(axis=1)]]
        if crystal is not None and len(own):
            doubts += _of_one_lattice(crystal, number, own)
    return doubts


def _of_one_lattice(crystal: Crystal, number: int, own: Reflections) -> list[str]:
    doubts = []
    n = int(forbidden_by_centring(crystal.space_group, own["hkl"]).sum())
    if n:
        doubts.append(
            f"{n} of {len(own)} indices of experiment {number} are none of {symbol(crystal.space_group)}, whose "
            "lattice is centred: they are left out of what is merged; is the basis another one?"
        )
    known = own["d"] > 0 if "d" in own else np.zeros(len(own), bool)
    if known.any():
        d = 1 / np.linalg.norm(own["hkl"][known] @ crystal.A.T, axis=1)
        off = float(np.median(np.abs(own["d"][known] / d - 1)))
        if off > SAME_RESOLUTION:
            doubts.append(
                f"resolutions in the .refl file are off those by the cell of experiment {number} by {off:.1%}: those "
                "by the cell are taken; is the crystal of another step?"
            )
    return doubts
