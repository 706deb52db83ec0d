"""Screw axes from the axial reflections that they extinguish."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache

import gemmi
import numpy as np
import scipy

from autoproc.models.space_group import rotations_of, symbol
from autoproc.symmetry.centric import CentreEvidence
from autoproc.symmetry.glide_plane import GlidePlane
from autoproc.symmetry.lattice_symmetry import rotation_axis, rotation_order

LONGEST_INDEX = 48
AXIAL_INDICES = np.kron(np.eye(3), np.arange(1, LONGEST_INDEX + 1)[:, None]).astype(np.int32)
"""(144, 3) int32 h00, 0k0 and 00l by which absences are compared."""
ZONAL_INDICES = np.array(
    [hkl for hkl in itertools.product(range(-6, 7), repeat=3) if 0 in hkl or len({*map(abs, hkl)}) < 3]
)
"""(n, 3) indices in the zones of glide planes; with 6 in each direction every condition shows."""
SIGNATURE_INDICES = np.concatenate([AXIAL_INDICES, ZONAL_INDICES]).astype(np.int32)
FLOOR = 0.05
"""Sd, in E^2, of what an extinguished reflection may still show: multiple scattering, tails of neighbours."""
OUTLIERS = 0.02
SURE = 0.7
CLOSE = 0.25
CLOSE_OF_ALL = 0.05
"""The same where all space groups are compared, and how often they occur counts too."""
TOLD_APART = math.log(19)
"""Nats by which intensities must be for one group rather than another for the two to be told apart: 19 to 1 is the 95%
of glide_planes.SURE. Reckoned. Of 768 simulated crystals of 32 groups with 0 to 4 reflections on each axis 6% were
certain and wrong where how often groups occur could make them so, none since."""
MOST_UNTOLD = 8
"""Rivals that are named: with no reflection in any zone it would be every group of the class."""
SCREW = {(2, 2): 1, (3, 3): 1, (4, 4): 1, (4, 2): 2, (6, 6): 1, (6, 3): 2, (6, 2): 3}
"""(order of the axis, period of the reflections that stay) -> subscript of the screw axis."""


@dataclass(frozen=True, slots=True, eq=False)
class Axial:
    """Axial reflections merged over the Laue group.

    hkl : (N, 3) int32; e2, e2_sigma : (N,) divided by epsilon; intensity, sigma : (N,); centric : (N,) bool
    """

    hkl: np.ndarray
    e2: np.ndarray
    e2_sigma: np.ndarray
    intensity: np.ndarray
    sigma: np.ndarray
    centric: np.ndarray


@dataclass(frozen=True, slots=True)
class ScrewAxis:
    """One possible screw axis: its probability and the reflections that speak for or against it."""

    name: str
    score: float
    n_present: int
    n_absent: int
    i_present: float
    i_absent: float
    i_over_sigma_present: float
    i_over_sigma_absent: float


@dataclass(frozen=True, slots=True, eq=False)
class SpaceGroupScore:
    """Space groups with the same absences, in the setting of the data, and their joint probability.

    log_against : by how much the intensities alone, without how often groups occur, are for the first group rather than
        for these, nats; n_telling : measured reflections that only one of the two extinguishes. Both where all
        space groups were compared
    """

    groups: tuple[gemmi.SpaceGroup, ...]
    score: float
    log_against: float = math.inf
    n_telling: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Absences:
    """Screw axes tested, and the possible space groups, the most likely first.

    is_certain : the first is clearly better than the others (or there is nothing to decide)
    centre : what intensities say about a centre of symmetry, where groups with mirrors and centres were compared too
    glide_planes : tested then
    """

    screw_axes: tuple[ScrewAxis, ...]
    candidates: tuple[SpaceGroupScore, ...]
    is_certain: bool
    centre: CentreEvidence | None = None
    glide_planes: tuple[GlidePlane, ...] = ()


def analyse_absences(
    group: gemmi.SpaceGroup, hkl: np.ndarray, e2: np.ndarray, e2_sigma: np.ndarray, scale: np.ndarray
) -> Absences:
    """Compare all chiral space groups with the rotations and centring of `group`.

    group : symmorphic; hkl : (N, 3) observations in its setting; e2, e2_sigma : (N,);
    scale : (N,) expected mean intensity, so that intensity = e2 * scale. Where the data say nothing (an
    axis along the spindle) the group with more screw axes comes first if they are two-fold, because crystals of
    P 21 and P 21 21 21 are a hundred times as many as those of P 2 and P 2 2 2; with three-, four- and six-fold axes
    no screw axis is claimed that was not seen: the group without comes first.
    """
    classes = absence_classes(group)
    axial = merge_axial(group, hkl, e2, e2_sigma, scale)
    absent = np.array([absent_in(members[0], axial.hkl) for members in classes])
    log_absent, log_present = log_densities(axial.e2, axial.e2_sigma, axial.centric)
    logs = np.where(absent, log_absent, log_present).sum(axis=1)
    p = np.exp(logs - logs.max())
    p /= p.sum()
    n_absent = [int(absent_in(members[0], AXIAL_INDICES).sum()) for members in classes]
    sign = -1 if len(rotations_of(group)) in (2, 4) and not _has_higher_axis(group) else 1
    order = sorted(range(len(classes)), key=lambda n: (-round(float(p[n]), 6), sign * n_absent[n]))
    candidates = tuple(SpaceGroupScore(classes[n], float(p[n])) for n in order)
    screws = _screw_axes(group, classes, p, axial)
    return Absences(screws, candidates, candidates[0].score > SURE)


def _has_higher_axis(group: gemmi.SpaceGroup) -> bool:
    return any(rotation_order(w) > 2 for w in rotations_of(group))


def equally_good(absences: Absences) -> tuple[gemmi.SpaceGroup, ...]:
    """Space groups that the data cannot tell from the first: the first itself, then the others."""
    least = 1.0 if absences.is_certain else CLOSE if absences.centre is None else CLOSE_OF_ALL
    best = absences.candidates[0]
    untold = untold_apart(absences)
    near = [c for c in absences.candidates if c is best or c in untold or c.score >= least * best.score]
    return tuple(g for c in near for g in c.groups)


def untold_apart(absences: Absences) -> tuple[SpaceGroupScore, ...]:
    """Rivals of the first that only occur less often: what was measured does not tell them from it."""
    return tuple(c for c in absences.candidates[1:] if c.log_against < TOLD_APART)[:MOST_UNTOLD]


def absence_classes(group: gemmi.SpaceGroup) -> list[tuple[gemmi.SpaceGroup, ...]]:
    """Chiral space groups of these rotations and this centring, gathered by their axial absences."""
    base = group.operations()
    gathered: dict[bytes, dict[int, gemmi.SpaceGroup]] = {}
    for candidate in gemmi.spacegroup_table():
        operations = candidate.operations()
        if not candidate.is_sohncke() or len(operations) != len(base):
            continue
        if operations.has_same_rotations(base) and operations.has_same_centring(base):
            signature = absent_in(candidate, AXIAL_INDICES).tobytes()
            gathered.setdefault(signature, {}).setdefault(candidate.number, candidate)
    classes = [tuple(members[n] for n in sorted(members)) for members in gathered.values()]
    return sorted(classes, key=lambda members: (absent_in(members[0], AXIAL_INDICES).sum(), members[0].number))


def absence_signature(group: gemmi.SpaceGroup, change: np.ndarray | None = None) -> bytes:
    """Which reflections of axes and zones a group extinguishes, the same bytes for the same absences.

    change : (3, 3) to the group's axes from those in which the reflections are, so that hkl_group = M hkl
    """
    hkl = SIGNATURE_INDICES
    return absent_in(group, hkl if change is None else np.rint(hkl @ np.asarray(change, float).T)).tobytes()


@lru_cache(maxsize=1)
def not_told_apart() -> dict[str, tuple[str, ...]]:
    """Chiral space groups, and those of the same rotations, centring and absences, by symbol in the standard setting.

    Enantiomorphs are among them, I 2 2 2 with I 21 21 21, I 2 3 with I 21 3; groups that are told from all others not.
    """
    alike: dict[tuple[str, bytes, bytes], list[str]] = {}
    for group in gemmi.spacegroup_table():
        if group.is_reference_setting() and group.is_sohncke():
            rotations = b"".join(sorted(rotation.tobytes() for rotation in rotations_of(group)))
            key = (group.centring_type(), rotations, absence_signature(group))
            alike.setdefault(key, []).append(symbol(group))
    return {one: tuple(other for other in names if other != one) for names in alike.values() for one in names
            if len(names) > 1}  # fmt: skip


def absent_in(group: gemmi.SpaceGroup, hkl: np.ndarray) -> np.ndarray:
    """(N,) bool: which of hkl (N, 3) a space group extinguishes."""
    return np.asarray(group.operations().systematic_absences(np.ascontiguousarray(hkl, np.int32)), bool)


def merge_axial(
    group: gemmi.SpaceGroup, hkl: np.ndarray, e2: np.ndarray, e2_sigma: np.ndarray, scale: np.ndarray
) -> Axial:
    """Medians over equivalent axial observations, and their sigmas.

    hkl is the equivalent with the greatest h, then k, then l: h00 where a and b are equivalent axes.
    """
    rows = np.flatnonzero(((hkl == 0).sum(axis=1) == 2) & ~absent_in(group, hkl))
    rotations = rotations_of(group)
    images = np.concatenate([hkl[rows] @ rotations, -(hkl[rows] @ rotations)])
    keys = (images[..., 0] * 10000 + images[..., 1]) * 10000 + images[..., 2]
    _, first, inverse = np.unique(keys.max(axis=0), return_index=True, return_inverse=True)
    grouped = [rows[inverse == n] for n in range(len(first))]
    operations = group.operations()
    indices = np.ascontiguousarray(images[keys.argmax(axis=0)[first], first].reshape(-1, 3), np.int32)
    epsilon = np.asarray(operations.epsilon_factor_without_centering_array(indices), float)
    merged = np.array([_median(e2[g], e2_sigma[g]) for g in grouped]).reshape(-1, 2) / epsilon[:, None]
    intensity = np.array([_median(e2[g] * scale[g], e2_sigma[g] * scale[g]) for g in grouped]).reshape(-1, 2)
    centric = np.asarray(operations.centric_flag_array(indices), bool)
    return Axial(indices, merged[:, 0], merged[:, 1], intensity[:, 0], intensity[:, 1], centric)


def _median(values: np.ndarray, sigmas: np.ndarray) -> tuple[float, float]:
    n = len(values)
    return float(np.median(values)), float(np.sqrt(np.mean(sigmas**2) / n) * (1.25 if n > 2 else 1.0))


def log_densities(
    e2: np.ndarray, sigma: np.ndarray, centric: np.ndarray, level: np.ndarray | float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """(N,) log densities of the E^2 seen if extinguished, and if it follows Wilson's distribution about `level`."""
    quantiles = (np.arange(400) + 0.5) / 400
    acentric_e2 = -np.log1p(-quantiles)
    centric_e2 = 2.0 * scipy.special.gammaincinv(0.5, quantiles)  # chi-squared of one degree of freedom
    width = np.sqrt(sigma**2 + FLOOR**2)[:, None]
    true = np.where(centric[:, None], centric_e2, acentric_e2) * np.reshape(level, (-1, 1))
    x = e2[:, None]
    present = (np.exp(-0.5 * ((x - true) / width) ** 2) / width).mean(axis=1)
    absent = (np.exp(-0.5 * (x / width) ** 2) / width)[:, 0]
    tail = 1e-4
    log_absent = np.log((1 - OUTLIERS) * absent + OUTLIERS * present + tail * OUTLIERS)
    log_present = np.log((1 - OUTLIERS) * present + OUTLIERS * absent + tail)
    return log_absent, log_present


def _screw_axes(
    group: gemmi.SpaceGroup, classes: list[tuple[gemmi.SpaceGroup, ...]], p: np.ndarray, axial: Axial
) -> tuple[ScrewAxis, ...]:
    screws = []
    for axis, order in _distinct_axes(group):
        lowest = _period(group, axis)
        periods = np.array([_period(members[0], axis) for members in classes])
        for period in sorted(set(periods[periods > lowest]), reverse=True):
            score = float(p[periods % period == 0].sum())
            name = f"{order}{SCREW[(order, int(period))]}{'abc'[axis]}"
            screws.append(_screw_axis(name, score, axis, int(period), axial))
    return tuple(screws)


def _screw_axis(name: str, score: float, axis: int, period: int, axial: Axial) -> ScrewAxis:
    on_axis = axial.hkl[:, axis] != 0
    stays = on_axis & (axial.hkl[:, axis] % period == 0)
    goes = on_axis & ~stays
    ratio = axial.intensity / np.maximum(axial.sigma, 1e-30)
    values = [float(v[rows].mean()) if rows.any() else 0.0 for v in (axial.intensity, ratio) for rows in (stays, goes)]
    return ScrewAxis(name, score, int(stays.sum()), int(goes.sum()), *values)


def _distinct_axes(group: gemmi.SpaceGroup) -> list[tuple[int, int]]:
    """(0, 1 or 2 for a, b, c; highest order of rotation about it), one of each set of equivalent axes."""
    rotations = rotations_of(group)
    found: list[tuple[int, int]] = []
    for axis in (2, 0, 1) if 75 <= group.number < 195 else (0, 1, 2):
        unit = np.eye(3, dtype=int)[axis]
        about = [rotation_order(w) for w in rotations[1:] if np.array_equal(rotation_axis(w), unit)]
        images = np.abs(rotations @ unit)
        is_new = not any(np.any(np.all(images == np.eye(3, dtype=int)[other], axis=1)) for other, _ in found)
        if about and is_new:
            found.append((axis, max(about)))
    return found


def _period(group: gemmi.SpaceGroup, axis: int) -> int:
    """The allowed axial indices are the multiples of this number."""
    steps = np.arange(1, LONGEST_INDEX + 1)
    hkl = np.outer(steps, np.eye(3, dtype=int)[axis])
    return int(np.gcd.reduce(steps[~absent_in(group, hkl)]))


def screws_of(group: gemmi.SpaceGroup, absences: Absences) -> tuple[ScrewAxis, ...]:
    """Of the screw axes that were tested those that a space group has; absences : in its axes."""
    period_of = {(order, subscript): period for (order, period), subscript in SCREW.items()}
    return tuple(
        screw for screw in absences.screw_axes
        if _period(group, "abc".index(screw.name[-1])) == period_of[int(screw.name[0]), int(screw.name[1])]
    )  # fmt: skip


def standard_setting(group: gemmi.SpaceGroup, cell: tuple[float, ...]) -> tuple[gemmi.SpaceGroup, np.ndarray]:
    """The reference setting of an orthorhombic space group, and the (3, 3) basis change to it.

    P 2 2 21 and P 21 21 2 have their odd axis along c; then a <= b. Others are left as they are: a <= b <= c.
    """
    if group.number not in (17, 18):
        return group, np.eye(3, dtype=int)
    periods = [_period(group, axis) for axis in range(3)]
    odd = next(n for n in range(3) if periods.count(periods[n]) == 1)
    turned = np.roll(np.eye(3, dtype=int), 2 - odd, axis=0)
    if cell[(odd + 1) % 3] > cell[(odd + 2) % 3]:
        turned = np.array([[0, 1, 0], [1, 0, 0], [0, 0, -1]]) @ turned
    return gemmi.SpaceGroup(group.number), turned
