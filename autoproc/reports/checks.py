"""What makes a sweep suspect: small rules on numbers that say what they saw, what is usual, and what to do.

Each rule takes what it needs and returns a Check, or None where it does not apply. What counts as usual comes
from the practice of macromolecular crystallography; a check that fails is a reason to look, not a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from autoproc.merging.merging_statistics import ShellStatistics
from autoproc.merging.translation import PattersonPeak
from autoproc.merging.twinning import TwinningTest
from autoproc.stages.index import FEW_INDEXED
from autoproc.wording import counted, in_brief

Verdict = Literal["good", "look", "bad"]

MANY_LOST = 0.25
"""Of the images of a sweep: without so many, what is left may not cover what the user thinks that it covers."""
ICE, VERY_ICY = 0.10, 0.50
"""Of the spots: from the first, spot finding warns; beyond the second most of what is called diffraction is ice."""
VERY_FEW_INDEXED = 0.30
LARGE_RMSD, VERY_LARGE_RMSD = 1.0, 3.0
DISTANCE_ERROR = 0.02
"""Of the distance; refinement follows what the header rounds or a stage misses, which is less."""
BEAM_CENTRE_ERROR = 2.0
"""Pixels."""
HIGH_INNER_R_MEAS, VERY_HIGH_INNER_R_MEAS = 0.15, 0.30
ANOMALOUS_SHARE = 0.6
"""Of Rmeas: what is left of it where I(+) and I(-) are kept apart, if their differences are most of it."""
LOW_ISA, VERY_LOW_ISA = 8.0, 4.0
LOW_COMPLETENESS, VERY_LOW_COMPLETENESS = 85.0, 50.0
INCOMPLETE_INNER = 90.0
WHOLE = 95.0
"""Completeness, percent, that a sweep reaches on whole rings where nothing but time or rotation limits it."""
LOW_MULTIPLICITY = 2.0
MANY_OUTLIERS, VERY_MANY_OUTLIERS = 0.02, 0.10
B_CHANGE, LARGE_B_CHANGE = 5.0, 20.0
OUTER_SIGNAL = 0.5
IMPOSSIBLE_LAUE_GROUP = 0.05
"""Likelihood of the Laue group of a space group that was given, as the stage warns of. Chosen, not measured."""
TWIN_L, NOT_TWIN_MOMENT = 0.44, 1.8
PATTERSON_HEIGHT = 0.2
SAME_RESOLUTION = 1.02


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: its value, what is usual, and, unless it is good, what to do."""

    name: str
    value: str
    usual: str
    verdict: Verdict = "good"
    advice: str = ""

    @property
    def warning(self) -> str:
        """The check as a sentence; empty where it is good, or where a stage has said it with what to do."""
        if self.verdict == "good" or not self.advice:
            return ""
        return f"{self.name}: {self.value} (usual: {self.usual}); {self.advice}"


def overall_verdict(checks: Sequence[Check]) -> Verdict:
    """The worst of all checks."""
    found = {check.verdict for check in checks}
    return "bad" if "bad" in found else "look" if "look" in found else "good"


def in_order(stated: Sequence[str], checks: Sequence[Check]) -> list[str]:
    """All warnings, each once, the gravest first: bad checks, what the stages said, then what is worth a look."""
    of = {v: [c.warning for c in checks if c.verdict == v and c.warning] for v in ("bad", "look")}
    return list(dict.fromkeys([*of["bad"], *stated, *of["look"]]))


def _above(value: float, look: float, bad: float) -> Verdict:
    return "bad" if value > bad else "look" if value > look else "good"


def _below(value: float, look: float, bad: float) -> Verdict:
    return "bad" if value < bad else "look" if value < look else "good"


def images(n_images: int, lost: Mapping[str, int], partial: str = "") -> Check:
    """Images without use, by what is wrong with them; partial : why the sweep is not all that was collected.

    The stages name each kind, with what to do.
    """
    found = [f"{n} {what}" for what, n in lost.items() if n]
    verdict = _above(sum(lost.values()) / max(n_images, 1), 0.0, MANY_LOST)
    if partial:
        verdict, found = ("bad" if verdict == "bad" else "look"), [*found, f"partial: {partial}"]
    value = f"of {n_images}: {', '.join(found)}" if found else f"{n_images}"
    return Check("images", value, "all there, each with spots", verdict)


def ice(on_rings: float) -> Check:
    """Part of the spots on the rings of ice, beyond chance."""
    return Check("spots on ice rings", f"{on_rings:.0%}", f"below {ICE:.0%}", _above(on_rings, ICE, VERY_ICY))


def doubts(about: str, said: Sequence[tuple[str, str]]) -> list[Check]:
    """What somebody was in doubt about, one check each that names it; said : (who or of what, the warning)."""
    if not said:
        return [Check(about, "none", "none")]
    return [Check(f"{whose}: {in_brief(warning)}", warning, "no doubt", "look") for whose, warning in said]


def spots_indexed(fraction: float, n_lattices: int, was_tried: bool = False) -> Check:
    """Spots that the lattices explain; was_tried : one lattice more was looked for in vain."""
    another = f"look for another lattice with index.max_lattices={n_lattices + 1}; other causes:"
    if was_tried:
        another = "another lattice was looked for in vain; other causes:"
    advice = f"{another} ice or salt, a wrong beam centre or distance"
    verdict = _below(fraction, FEW_INDEXED, VERY_FEW_INDEXED)
    return Check("spots indexed", f"{fraction:.0%}", f"at least {FEW_INDEXED:.0%}", verdict, advice)


def geometry(stated_mm: float, refined_mm: float, shift_px: tuple[float, float], indexed: float) -> Check:
    """The refined distance and beam centre beside those of the header, or of whoever replaced the header's.

    indexed : fraction of the spots; where it is low the refined geometry is not to be believed
    """
    wrong, moved = refined_mm / stated_mm - 1, float(np.hypot(*shift_px))
    found, causes = [], []
    if abs(wrong) > DISTANCE_ERROR:
        found.append(f"distance {refined_mm:.2f} mm, stated {stated_mm:.2f}")
        causes.append(
            f"the header's distance is wrong by {stated_mm - refined_mm:+.1f} mm ({stated_mm / refined_mm - 1:+.0%})"
        )
    if moved > BEAM_CENTRE_ERROR:
        found.append(f"beam centre {moved:.1f} px from where it was stated")
        causes.append(f"the header's beam centre is wrong by ({-shift_px[0]:+.1f}, {-shift_px[1]:+.1f}) px")
    usual = f"within {DISTANCE_ERROR:.0%} and {BEAM_CENTRE_ERROR:g} px of the header"
    if not found:
        return Check("geometry", f"distance {wrong:+.1%}, beam centre {moved:.1f} px", usual)
    advice = f"{' and '.join(causes)}, or what was given in its place is; the refined values were used"
    if indexed < FEW_INDEXED:
        advice = "refinement has run away from the header, as it does from a wrong lattice or a wrong beam centre"
    return Check("geometry", ", ".join(found), usual, "look", advice)


def lattices(counts: Sequence[int]) -> Check:
    """How many crystals the data are of."""
    spots = "" if len(counts) < 2 else f" ({' and '.join(map(str, counts))} spots)"
    return Check(
        "lattices", f"{len(counts)}{spots}", "1", "look" if len(counts) > 1 else "good",
        "the crystal is split, or there are several: the merged data are of all of them together; for the first alone "
        "run with index.max_lattices=1",
    )  # fmt: skip


def spot_positions(x_px: float, y_px: float, z_images: float) -> Check:
    """How far spots are from their predictions."""
    worst = max(x_px, y_px, z_images)
    return Check(
        "spots against predictions", f"{x_px:.2f} {y_px:.2f} px, {z_images:.2f} images", "below 1 px and 1 image",
        _above(worst, LARGE_RMSD, VERY_LARGE_RMSD),
        "look at the spots: split or very mosaic crystals do this, as do a slipping crystal or a wrong geometry",
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
        "Rmeas at low resolution", f"{inner.r_meas:.3f}", f"below {HIGH_INNER_R_MEAS:g}",
        _above(inner.r_meas, HIGH_INNER_R_MEAS, VERY_HIGH_INNER_R_MEAS), advice,
    )  # fmt: skip


def asymptotic_signal(isa: float | None) -> Check | None:
    """ISa: the best I/sigma that systematic errors allow; None where it was not estimated."""
    if isa is None or not np.isfinite(isa):
        return None
    return Check(
        "ISa", f"{isa:.1f}", f"above {LOW_ISA:g}, good data 20 or more", _below(isa, LOW_ISA, VERY_LOW_ISA),
        "systematic errors limit the strong reflections: a split or vibrating crystal, an unsteady beam, damage, or "
        "absorption (try scale.absorption_level=high)",
    )  # fmt: skip


def coverage(
    overall: ShellStatistics, shells: Sequence[ShellStatistics], edge_d: float | None, rotation: float, n_blank: int = 0
) -> Check:
    """Completeness, and what it is limited by.

    edge_d : the resolution, Angstrom, at the nearest edge of the detector; rotation : degrees scanned
    """
    verdict = _below(overall.completeness, LOW_COMPLETENESS, VERY_LOW_COMPLETENESS)
    here = completeness_inside(shells, edge_d)
    if here is not None and edge_d is not None and here > LOW_COMPLETENESS and edge_d > overall.d_min * SAME_RESOLUTION:
        advice = (
            f"it is {here:.0f}% to {edge_d:.2f} A and falls beyond, where only the detector's corners reach: cut there "
            f"with scale.d_min={edge_d:.2f}, or move the detector closer next time"
        )
    elif n_blank:
        are = "image is blank or was" if n_blank == 1 else "images are blank or were"
        advice = f"{n_blank} {are} left out: what could have been seen there is missing"
    else:
        advice = (
            f"{rotation:g} degrees of rotation do not cover the asymmetric unit: collect more rotation, or merge with "
            "another crystal"
        )
    return Check("completeness", f"{overall.completeness:.1f}%", f"at least {LOW_COMPLETENESS:g}%", verdict, advice)


def completeness_inside(shells: Sequence[ShellStatistics], edge_d: float | None) -> float | None:
    """Completeness, percent, of the shells inside edge_d, Angstrom; None where there are none."""
    inside = [s for s in shells if edge_d is not None and s.d_min >= edge_d]
    expected = sum(s.n_unique / max(s.completeness, 1e-3) for s in inside)
    return sum(s.n_unique for s in inside) / expected if expected else None


def inner_coverage(
    inner: ShellStatistics, overall: float, overloaded: float, inside: float | None, rotation: float
) -> Check | None:
    """Completeness of the strongest, lowest resolution reflections beside that of all; overloaded : a fraction.

    inside : completeness, percent, of the whole rings; None is `overall`. None where too little rotation, of which
    the check of completeness speaks, is the cause.
    """
    is_low = inner.completeness < min(INCOMPLETE_INNER, overall - 5)
    inside = overall if inside is None else inside
    if is_low and overloaded > 1e-3:
        advice = f"{overloaded:.1%} of the observations are overloaded: attenuate the beam"
    elif inside < LOW_COMPLETENESS:
        return None
    elif inside < WHOLE:
        advice = f"{rotation:g} degrees of rotation leave them out, or the beam stop hides them: collect more rotation"
    else:
        advice = "they fall on the beam stop or its shadow, or into gaps: a smaller beam stop or more rotation helps"
    return Check(
        "completeness at low resolution", f"{inner.completeness:.1f}%", f"at least {INCOMPLETE_INNER:g}%",
        "look" if is_low else "good",
        f"the strongest reflections, which maps and phasing need most, are missing; {advice}",
    )  # fmt: skip


def redundancy(multiplicity: float) -> Check:
    """Observations of each reflection."""
    verdict: Verdict = "look" if multiplicity < LOW_MULTIPLICITY else "good"
    advice = "too few repeats to find outliers or to trust ISa and CC1/2: collect more rotation"
    return Check("multiplicity", f"{multiplicity:.1f}", f"at least {LOW_MULTIPLICITY:g}", verdict, advice)


def outer_signal(shells: Sequence[ShellStatistics]) -> Check | None:
    """I/sigma of the outermost shell."""
    known = [s for s in shells if s.i_over_sigma is not None]
    if not known:
        return None
    outer = known[-1]
    value = outer.i_over_sigma or 0.0
    with_signal = [s.d_min for s in known if (s.i_over_sigma or 0.0) >= 2 * OUTER_SIGNAL]
    cut = f": cut with scale.d_min={min(with_signal):.2f}" if with_signal else ""
    name = f"I/sigma of the shell {outer.d_max:.2f} to {outer.d_min:.2f} A"
    advice = f"the outermost shell holds no signal{cut}"
    return Check(name, f"{value + 0.0:.1f}", f"at least {OUTER_SIGNAL:g}", _below(value, OUTER_SIGNAL, -np.inf), advice)


def resolution_limit(d_min: float, cc_half: float | None, limited_by_data: bool, corner_d: float | None) -> Check:
    """Whether the crystal or the detector ended the data.

    corner_d : the resolution at the detector's farthest corner, Angstrom
    """
    value = f"{d_min:.2f} A"
    if not limited_by_data:
        return Check("resolution limit", value, "where CC1/2 falls")
    correlation = "" if cc_half is None else f" (CC1/2 {cc_half:.2f} there)"
    if corner_d is not None and d_min < corner_d * SAME_RESOLUTION:
        advice = f"the crystal diffracts beyond the detector's edge{correlation}: move the detector closer next time"
    else:
        advice = f"the data still hold signal where they end{correlation}: d_min was asked for, or little was measured"
    return Check("resolution limit", value, "where CC1/2 falls", "look", advice)


def outliers(n_outliers: int, n_scaled: int) -> Check:
    """Observations that scaling rejected."""
    fraction = n_outliers / max(1, n_scaled + n_outliers)
    advice = "look at the scale and I/sigma by image: images that are wrong, ice, or a Laue group that is too high"
    verdict = _above(fraction, MANY_OUTLIERS, VERY_MANY_OUTLIERS)
    return Check("outliers in scaling", f"{fraction:.1%}", f"below {MANY_OUTLIERS:.0%}", verdict, advice)


def decay(b_by_image: Sequence[np.ndarray], first_images: Sequence[int]) -> Check | None:
    """The change of B over the sweep; of several lattices the worst."""
    curves = [(np.asarray(b, float), first) for b, first in zip(b_by_image, first_images, strict=True) if len(b)]
    if not curves:
        return None
    b, first = max(curves, key=lambda c: float(np.ptp(c[0])))
    best = int(np.argmax(b))
    fall = float(b[best] - b[best:].min())
    late = np.flatnonzero(b[best:] < b[best] - 0.5 * fall)
    keep = first + best + (int(late[0]) if len(late) else 0)
    return Check(
        "fall of B over the sweep", f"{fall:.1f} A^2", f"below {B_CHANGE:g} A^2",
        _above(fall, B_CHANGE, LARGE_B_CHANGE),
        f"high resolution fades, as by radiation damage: compare with import_sweep.image_range={first},{keep}",
    )  # fmt: skip


def twinning(test: TwinningTest | None) -> Check | None:
    """The L test and the second moment of acentric intensities."""
    if test is None:
        return None
    is_suspect = test.mean_abs_l < TWIN_L and test.second_moment < NOT_TWIN_MOMENT
    return Check(
        "twinning, mean |L|", f"{test.mean_abs_l:.3f}, second moment {test.second_moment:.2f}",
        "0.50 and 2.0 (a perfect twin 0.375 and 1.5)", "look" if is_suspect else "good",
        "the crystal may be twinned: look for a twin law (xtriage), and doubt the Laue group, which may be too high",
    )  # fmt: skip


def pseudo_translation(peak: PattersonPeak | None) -> Check | None:
    """The highest peak of the native Patterson map."""
    if peak is None:
        return None
    vector = " ".join(f"{x:.2f}" for x in peak.vector)
    is_suspect = peak.height > max(PATTERSON_HEIGHT, 2 * peak.noise)
    return Check(
        "Patterson peak", f"{peak.height:.0%} of the origin's at {vector}", f"below {PATTERSON_HEIGHT:.0%}",
        "look" if is_suspect else "good",
        f"copies of the molecule {peak.length:.0f} A apart in the same orientation (translational pseudo-symmetry): "
        "some classes of reflections are weak, and the true cell may be smaller; tell molecular replacement",
    )  # fmt: skip


def given_space_group(symbol: str, likelihood: float) -> Check:
    """Whether the space group that was given is one of the intensities; likelihood : of its Laue group."""
    verdict: Verdict = "bad" if likelihood < IMPOSSIBLE_LAUE_GROUP else "good"
    advice = "equivalents of that group are not equal: process without it and compare"
    value = f"{symbol}, whose Laue group is {likelihood:.2f} likely"
    return Check("space group as given", value, f"at least {IMPOSSIBLE_LAUE_GROUP:g}", verdict, advice)


def convergence(converged: bool, n_cycles: int) -> Check:
    """Whether scaling came to rest."""
    verdict: Verdict = "good" if converged else "look"
    value = f"{'converged' if converged else 'stopped'} after {counted(n_cycles, 'cycle')}"
    advice = "scaling was stopped before it came to rest: look at the scales by image"
    return Check("scaling", value, "converged", verdict, advice)
