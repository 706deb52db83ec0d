"""The space group of a small molecule: screw axes and glide planes together, and a centre of symmetry or none.

Every space group of the Laue class is weighed by what it extinguishes, by the distribution of intensities, and by how
often it occurs. The last chooses among those that the first two leave, and makes none of them certain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import gemmi
import numpy as np
import scipy

from autoproc.geometry.asu import to_asu
from autoproc.models.space_group import proper_rotations_of, reference_setting
from autoproc.symmetry.absences import (
    Absences,
    SpaceGroupScore,
    absence_signature,
    absent_in,
    analyse_absences,
    log_densities,
    untold_apart,
)
from autoproc.symmetry.centric import evidence_of_centre
from autoproc.symmetry.glide_table import planes_compared
from autoproc.symmetry.in_axes import space_group_in
from autoproc.symmetry.occurrence import percent_of

SURE = 0.95
"""Probability from which the first group is taken for certain, if no rival is left that only occurs less often: higher
than where absences speak alone. Chosen."""
MOST_CANDIDATES = 20
"""That are told; the others have next to no likelihood."""
ENANTIOMORPHS = (
    (76, 78), (91, 95), (92, 96), (144, 145), (151, 153), (152, 154), (169, 170), (171, 172), (178, 179), (180, 181),
    (212, 213),
)  # fmt: skip
"""Numbers of the pairs that no merged intensities tell apart."""


@dataclass(frozen=True, slots=True, eq=False)
class LaueMerged:
    """Unique reflections under the Laue group: hkl (N, 3) int32; e2, sigma, intensity, intensity_sigma (N,)."""

    hkl: np.ndarray
    e2: np.ndarray
    sigma: np.ndarray
    intensity: np.ndarray
    intensity_sigma: np.ndarray


def analyse_all_groups(
    group: gemmi.SpaceGroup, hkl: np.ndarray, e2: np.ndarray, sigma: np.ndarray, scale: np.ndarray
) -> Absences:
    """Compare all space groups of the Laue class and centring of `group`, a symmorphic chiral one.

    hkl : (N, 3) observations in its setting; e2, sigma, scale : (N,) as in analyse_absences
    """
    chiral = analyse_absences(group, hkl, e2, sigma, scale)
    classes = every_setting(group)
    merged = _merge(group, hkl, e2, sigma, scale)
    absent = np.array([absent_in(members[0], merged.hkl) for members in classes])
    at_stake = np.asarray(absent.any(axis=0), bool)
    centre = evidence_of_centre(merged.e2[~at_stake], merged.sigma[~at_stake])
    by_data = _log_of_absences(group, classes, merged, absent, at_stake)
    by_data += np.array([members[0].is_centrosymmetric() * centre.log_ratio for members in classes])
    logs = by_data + _log_prior(classes)
    p = np.exp(logs - logs.max())
    p /= p.sum()
    order = sorted(range(len(classes)), key=lambda n: (-round(float(p[n]), 9), classes[n][0].number))
    first = order[0]
    candidates = tuple(
        SpaceGroupScore(
            classes[n], float(p[n]), float(by_data[first] - by_data[n]), int((absent[n] != absent[first]).sum())
        )
        for n in order[:MOST_CANDIDATES]
    )
    planes = planes_compared(group, classes, p, merged.hkl, merged.intensity, merged.intensity_sigma)
    found = Absences(chiral.screw_axes, candidates, False, centre, planes)
    return replace(found, is_certain=candidates[0].score > SURE and not untold_apart(found))


def reference_axes(group: gemmi.SpaceGroup, setting: str) -> tuple[gemmi.SpaceGroup, np.ndarray]:
    """The setting in which chemists use a space group that is not chiral, and the (3, 3) change to it.

    Orthorhombic: that of International Tables. Monoclinic: the cell stays the least oblique, so that P 21/c may be
    P 21/n and C 2/c be I 2/a, but the glide is never along a of a primitive nor along c of an I-centred cell; with
    setting="standard" it is P 21/c and C 2/c always.
    """
    to_reference = np.rint(np.array(group.basisop.rot).T / gemmi.Op.DEN).astype(int)
    is_monoclinic = group.crystal_system() == gemmi.CrystalSystem.Monoclinic
    if setting == "standard" or group.crystal_system() == gemmi.CrystalSystem.Orthorhombic:
        change = to_reference if np.linalg.det(to_reference) > 0 else -to_reference
        return reference_setting(group.number), change
    if is_monoclinic and group.hm.split()[2].endswith({"P": "a", "I": "c"}.get(group.hm[0], "-")):
        swap = np.array([[0, 0, 1], [0, -1, 0], [1, 0, 0]])
        return space_group_in(group, swap), swap
    return group, np.eye(3, dtype=int)


def share_of_achiral(absences: Absences) -> float:
    """The probability that the space group is none of those that crystals of one hand have."""
    return sum(c.score for c in absences.candidates if not c.groups[0].is_sohncke())


def every_setting(group: gemmi.SpaceGroup) -> list[tuple[gemmi.SpaceGroup, ...]]:
    """Space groups, in every setting, with the rotations of `group`, proper or not, and its centring.

    Each by itself but for enantiomorphs; of two choices of the origin the one with the centre of symmetry there.
    """
    base = group.operations()
    rotations = {w.tobytes() for w in proper_rotations_of(group)}
    found: dict[tuple[int, bytes, bytes], gemmi.SpaceGroup] = {}
    for candidate in gemmi.spacegroup_table():
        operations = candidate.operations()
        if not operations.has_same_centring(base):
            continue
        if {w.tobytes() for w in proper_rotations_of(candidate)} != rotations:
            continue
        own = b"".join(sorted(np.array(op.rot).tobytes() for op in operations.sym_ops))
        key = (candidate.number, absence_signature(candidate), own)
        if key not in found or candidate.is_reference_setting() or candidate.ext == "2":
            found[key] = candidate
    pairs = dict(ENANTIOMORPHS)
    classes: dict[tuple[int, bytes, bytes], tuple[gemmi.SpaceGroup, ...]] = {}
    for (number, signature, own), candidate in sorted(found.items(), key=lambda item: item[0]):
        first = next((a for a, b in pairs.items() if b == number), number)
        key = (first, signature, own)
        classes[key] = (*classes.get(key, ()), candidate)
    return list(classes.values())


def _log_prior(classes: list[tuple[gemmi.SpaceGroup, ...]]) -> np.ndarray:
    """(n,) logarithms of how often groups occur, shared among the settings in which each is possible."""
    numbers = [members[0].number for members in classes]
    return np.log([
        sum(percent_of(g.number) for g in members) / numbers.count(number)
        for members, number in zip(classes, numbers, strict=True)
    ])  # fmt: skip


def _log_of_absences(
    group: gemmi.SpaceGroup,
    classes: list[tuple[gemmi.SpaceGroup, ...]],
    merged: LaueMerged,
    absent: np.ndarray,
    at_stake: np.ndarray,
) -> np.ndarray:
    """(n,) log likelihoods of the intensities (at_stake, (N,) bool) that groups extinguish (absent, (n, N) bool).

    What is not extinguished has Wilson's distribution of a point group of the class: axes and mirrors make zones
    centric, or twice as strong as others. Of which is left open, whatever the group, because heavy atoms and flat
    molecules do as much; so weak reflections that a mirror makes frequent are no screw axis.
    """
    hkl = np.ascontiguousarray(merged.hkl[at_stake])
    e2, sigma = merged.e2[at_stake], merged.sigma[at_stake]
    epsilon = np.asarray(group.operations().epsilon_factor_without_centering_array(hkl), float)
    is_gone, found = absent[:, at_stake], []
    for one in _point_groups(classes):
        level = np.asarray(one.operations().epsilon_factor_without_centering_array(hkl), float) / epsilon
        is_centric = np.asarray(one.operations().centric_flag_array(hkl), bool)
        log_absent, log_present = log_densities(e2, sigma, is_centric, level)
        found.append(np.where(is_gone, log_absent, log_present).sum(axis=1))
    return np.asarray(scipy.special.logsumexp(found, axis=0) - np.log(len(found)))


def _point_groups(classes: list[tuple[gemmi.SpaceGroup, ...]]) -> list[gemmi.SpaceGroup]:
    """One space group of each set of rotations, proper or not."""
    found: dict[bytes, gemmi.SpaceGroup] = {}
    for members in classes:
        rotations = sorted(np.array(op.rot).tobytes() for op in members[0].operations().sym_ops)
        found.setdefault(b"".join(rotations), members[0])
    return list(found.values())


def _merge(
    group: gemmi.SpaceGroup, hkl: np.ndarray, e2: np.ndarray, sigma: np.ndarray, scale: np.ndarray
) -> LaueMerged:
    """Means over equivalent observations, weighted by 1/sigma^2; what the centring extinguishes is left out."""
    hkl, e2, sigma, scale = (x[~absent_in(group, hkl)] for x in (hkl, e2, sigma, scale))
    unique, place = np.unique(to_asu(hkl, group)[0], axis=0, return_inverse=True)
    n, place = len(unique), place.ravel()
    weight = 1 / sigma**2
    total = np.bincount(place, weight, n)
    mean, error = np.bincount(place, weight * e2, n) / total, total**-0.5
    size = np.bincount(place, scale, n) / np.bincount(place, minlength=n)
    indices = np.ascontiguousarray(unique, np.int32)
    epsilon = np.asarray(group.operations().epsilon_factor_without_centering_array(indices), float)
    return LaueMerged(indices, mean / epsilon, error / epsilon, mean * size, error * size)
