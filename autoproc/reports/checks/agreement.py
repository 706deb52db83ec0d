"""Checks of scaling: how well equivalents agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoproc.damage.drift import Drift
from autoproc.damage.text import NOTABLE_CHANGE
from autoproc.merging.merging_statistics import MergingStatistics, ShellStatistics
from autoproc.merging.no_agreement import NOT_OF_A_CRYSTAL, words_of_none
from autoproc.models.data_set_names import sweep_part
from autoproc.reports.checks.check import Check, Verdict, above, below, printed
from autoproc.wording import counted

EQUIVALENTS = "symmetry-related intensities"
"""What the check is called that says whether there are data at all."""
HIGH_INNER_R_MEAS, VERY_HIGH_INNER_R_MEAS = 0.15, 0.30
ANOMALOUS_SHARE = 0.6
"""Of Rmeas: what is left of it where I(+) and I(-) are kept apart, if their differences are most of it."""
LOW_ISA, VERY_LOW_ISA = 8.0, 4.0
MANY_OUTLIERS, VERY_MANY_OUTLIERS = 0.02, 0.10
LARGE_CHANGE = 0.2
B_CHANGE, LARGE_B_CHANGE = 5.0, 20.0
MOST_NAMED = 5
"""Crystals that a check names; the table of damage has all."""


def any_agreement(statistics: MergingStatistics) -> Check | None:
    """That equivalents do not agree, or that there is no signal, at all; None where they do, or nothing tells."""
    agreement, overall, inner = statistics.agreement, statistics.overall, statistics.inner
    if agreement is not None and agreement.is_none:
        value, usual = words_of_none(agreement), "CC1/2 near 1 at low resolution"
    elif statistics.has_no_signal:
        value = (
            f"they are noise (mean I/sigma {overall.i_over_sigma:z.1f}, at low resolution {inner.i_over_sigma:z.1f})"
        )
        usual = "far above 1 at low resolution"
    else:
        return None
    return Check(
        EQUIVALENTS, value, usual, "bad",
        f"{NOT_OF_A_CRYSTAL}; look at an image, and compare beam centre and distance in the header with the beamline's "
        "log (`autoproc search-beam-position` looks for the centre)",
    )  # fmt: skip


def inner_agreement(inner: ShellStatistics) -> Check | None:
    """Rmeas of the strongest, lowest resolution reflections."""
    if inner.r_meas is None or inner.r_meas <= 0:
        return None
    if inner.r_meas_anom is not None and inner.r_meas_anom < ANOMALOUS_SHARE * inner.r_meas:
        advice = (
            f"it is {inner.r_meas_anom:.3f} where I(+) and I(-) are kept apart: their difference is an anomalous "
            "signal, not an error; look no further if it is expected"
        )
    else:
        advice = (
            "equivalents that should be measured best disagree: look for a shadow, overloads, damage (scale and B by "
            "image), or a Laue group that is too high (try symmetry.space_group=P1)"
        )
    return Check(
        "Rmeas at low resolution", printed(inner.r_meas, 3, HIGH_INNER_R_MEAS), f"below {HIGH_INNER_R_MEAS:g}",
        above(inner.r_meas, HIGH_INNER_R_MEAS, VERY_HIGH_INNER_R_MEAS), advice,
    )  # fmt: skip


def asymptotic_signal(isa: float | None) -> Check | None:
    """ISa: the best I/sigma that systematic errors allow; None where it was not estimated."""
    if isa is None or not np.isfinite(isa):
        return None
    return Check(
        "ISa", printed(isa, 1, LOW_ISA), f"above {LOW_ISA:g}, good data 20 or more", below(isa, LOW_ISA, VERY_LOW_ISA),
        "systematic errors limit the strong reflections: a split or vibrating crystal, an unsteady beam, damage, or "
        "absorption (try scale.absorption_level=high)",
    )  # fmt: skip


def outliers(n_outliers: int, n_scaled: int) -> Check:
    """Observations that scaling rejected."""
    fraction = n_outliers / max(1, n_scaled + n_outliers)
    advice = "look at the scale and I/sigma by image: images that are wrong, ice, or a Laue group that is too high"
    verdict = above(fraction, MANY_OUTLIERS, VERY_MANY_OUTLIERS)
    value = printed(fraction, 1, MANY_OUTLIERS, percent=True)
    return Check("outliers in scaling", value, f"below {MANY_OUTLIERS:.0%}", verdict, advice)


def decay(
    b_by_image: Sequence[np.ndarray], first_images: Sequence[int], b_growth: float | None = None,
    names: Sequence[str] = (),
) -> Check | None:  # fmt: skip
    """How B grows over the sweep; of several lattices or sweeps the worst.

    b_by_image : relative, of the scales, which falls where the crystal's grows. b_growth : Angstrom^2, as the analysis
    of damage tells it; of a single lattice this is the figure, so that it is told once. names : of each
    """
    curves = [
        (np.asarray(b, float), first, name)
        for b, first, name in zip(b_by_image, first_images, names or [""] * len(b_by_image), strict=True)
        if len(b)
    ]
    if not curves:
        return None
    b, first, name = max(curves, key=lambda c: float(np.ptp(c[0])))
    best = int(np.argmax(b))
    fall = float(b[best] - b[best:].min())
    late = np.flatnonzero(b[best:] < b[best] - 0.5 * fall)
    keep = first + best + (int(late[0]) if len(late) else 0)
    if len(curves) == 1 and b_growth is not None:
        fall = b_growth
    most = f", of {name or 'the one'}, the most of {len(curves)}" if len(curves) > 1 else ""
    is_of_many = len({sweep_part(known) for _, _, known in curves}) > 1
    compare = f"look at {name} by itself" if is_of_many else f"compare with import_sweep.image_range={first},{keep}"
    return Check(
        "growth of B over the sweep", f"{printed(fall, 1, B_CHANGE)} A^2{most}",
        f"below {B_CHANGE:g} A^2", above(fall, B_CHANGE, LARGE_B_CHANGE),
        f"high resolution fades, as by radiation damage: {compare}",
    )  # fmt: skip


def damage(drift: Drift | None, b_growth: float | None) -> Check | None:
    """The change of the intensities over the sweep that scale and B do not describe; None where it cannot be told."""
    if drift is None:
        return None
    significant = drift.is_significant
    none = f"none of {drift.least_seen:.1%} or more"
    if drift.least_seen > NOTABLE_CHANGE:
        none = f"cannot be told: less than {drift.least_seen:.1%}"
    grows = f"; B grows by {b_growth:.1f} A^2" if b_growth is not None and b_growth > 0 else ""
    return Check(
        "change of the intensities over the sweep",
        printed(drift.change, 1, NOTABLE_CHANGE, percent=True) if significant else none,
        f"below {NOTABLE_CHANGE:.0%}", above(drift.change, NOTABLE_CHANGE, LARGE_CHANGE) if significant else "good",
        f"intensities at the end differ from those at the start by {drift.change:.1%}, as by radiation damage{grows}: "
        "the plots of Rd and Rcp show from where; compare with scale.keep_first=0.5, and with merge.zero_dose=true",
    )  # fmt: skip


def suffering(names: Sequence[str], n: int) -> Check | None:
    """Which of several crystals suffer, by their own scales and equivalents. None of a single one.

    names : of those that do; n : how many crystals there are
    """
    if n < 2:
        return None
    if not names:
        return Check("damaged crystals", f"none of {n}", "none")
    named = ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")
    return Check(
        "damaged crystals", f"{len(names)} of {n}: {named}", "none", "look",
        "their B, or the disagreement of their own equivalents, grows with dose: look at each by itself; "
        "groups.named= makes a group without them, to compare with",
    )  # fmt: skip


def convergence(converged: bool, n_cycles: int) -> Check:
    """Whether scaling came to rest."""
    verdict: Verdict = "good" if converged else "look"
    value = f"{'converged' if converged else 'stopped'} after {counted(n_cycles, 'cycle')}"
    advice = "scaling was stopped before it came to rest: look at the scales by image"
    return Check("scaling", value, "converged", verdict, advice)
