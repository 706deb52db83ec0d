"""Records of observations that can be taken; what is held twice, contradicts itself or is absurd is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoproc.formats.absurd_numbers import absurd, absurd_factor
from autoproc.formats.cell_and_group import doubts_of_cells, forbidden_by_centring
from autoproc.formats.observed.foreign_data import DamagedFile, FileObservations
from autoproc.formats.repeated_records import codes_of, is_repeat, is_shared
from autoproc.models.experiment import Experiment
from autoproc.models.space_group import symbol
from autoproc.wording import counted

BY_CHANCE = 0.4
"""Part of the records of a file that tells no places below which repeats may be chance: it rounds intensities to two
decimals. Of a file behind itself half are repeats."""
FEWEST = 10
"""Records of which repeats may be told without places."""
MOST_CONTRADICTED = 0.1
"""Part of the records that may be at the place of another with another intensity; more is two files in one."""


@dataclass(frozen=True, slots=True, eq=False)
class SoundRecords:
    """Observations that can be taken. rows : which records they were, ascending; told : what was found, in words."""

    measured: FileObservations
    rows: np.ndarray
    told: tuple[str, ...]


def sound_records(path: object, measured: FileObservations, image: np.ndarray | None = None) -> SoundRecords:
    """The records of a file, each once. image : (N,) number of the one that each was seen on, where records tell it.

    Raises DamagedFile for many that contradict each other.
    """
    rows, told = np.arange(len(measured.hkl)), []
    repeat = _held_twice(measured, image)
    if repeat.any():
        rows = np.flatnonzero(~repeat)
        told.append(f"{counted(int(repeat.sum()), 'record')} in the file twice or more, used once")
    m = measured.of_rows(rows)
    disputed = _contradicted(m, None if image is None else image[rows])
    if disputed.sum() > MOST_CONTRADICTED * len(rows):
        raise DamagedFile(
            path=path,
            reason=f"{int(disputed.sum())} of its {len(rows)} records are at the place of another of the same index "
            "with another intensity: two files of one sweep in one",
        )
    if disputed.any():
        told.append(
            f"{counted(int(disputed.sum()), 'record')} at the place of another of the same index with another "
            "intensity: not used"
        )
    nonsense, why = absurd(m.intensity, m.sigma)
    for column, name in ((m.inverse_scale, "scale"), (m.lp, "Lorentz-polarisation factor")):
        wrong = np.zeros(len(rows), bool) if column is None else absurd_factor(column)
        nonsense |= wrong
        why += [f"{int(wrong.sum())} with an impossible {name}"] if wrong.any() else []
    if why:
        told.append(f"observations that are left out: {', '.join(why)}")
    useless = disputed | nonsense
    m = replace(m, is_rejected=m.is_rejected | useless, intensity=np.where(useless, np.nan, m.intensity))
    return SoundRecords(_without_absurd_profiles(m), rows, tuple(told))


def _held_twice(m: FileObservations, image: np.ndarray | None) -> np.ndarray:
    """(N,) bool: records of which an earlier one is the same to the last digit."""
    tells = np.isfinite(m.position).any()
    place = [*m.position.T] if image is None else [*m.position.T, image]
    repeat = is_repeat(codes_of([m.experiment, *m.hkl.T, *place, m.intensity, m.sigma]))
    if tells or (image is not None) or (len(repeat) >= FEWEST and repeat.sum() > BY_CHANCE * len(repeat)):
        return repeat
    return np.zeros(len(repeat), bool)


def _contradicted(m: FileObservations, image: np.ndarray | None) -> np.ndarray:
    """(N,) bool: records of one index at one place of the detector and the scan, of which another is there too."""
    placed = np.isfinite(m.position).all(axis=1) & m.position[:, :2].any(axis=1) & ~m.is_rejected
    place = [*m.position.T] if image is None else [*m.position.T, image]
    return is_shared(codes_of([m.experiment, *m.hkl.T, *place]), placed)


def _without_absurd_profiles(m: FileObservations) -> FileObservations:
    if m.profile is None or m.profile_sigma is None:
        return m
    nonsense, _ = absurd(m.profile, m.profile_sigma)
    return replace(m, profile=np.where(nonsense, np.nan, m.profile))


def doubts_of_crystals(path: object, experiments: Sequence[Experiment], measured: FileObservations) -> list[str]:
    """What is odd of cells, space groups and indices. Raises CellAgainstGroup."""
    doubts = doubts_of_cells(path, (e.crystal for e in experiments))
    groups = {e.crystal.space_group.xhm(): e.crystal.space_group for e in experiments if e.crystal is not None}
    for group in groups.values():
        n = int(forbidden_by_centring(group, measured.hkl).sum())
        if n:
            doubts.append(
                f"{n} of {len(measured.hkl)} indices are none of {symbol(group)}, whose lattice is centred: they are "
                "left out of what is merged; is the basis another one, or the lattice primitive?"
            )
    return doubts
