"""Damage: plots against dose, for the report of a sweep and for a page of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from autoproc.damage.pairs import LEAST_SIGNALS
from autoproc.damage.result import DamageResult
from autoproc.damage.text import (
    CRYSTALS,
    crystal_figures,
    full,
    of_decay,
    of_doses,
    of_intensities,
    which_suffer,
)
from autoproc.reports.chart import Chart, ChartSeries, Mark, draw
from autoproc.reports.page import Figure, Section, render
from autoproc.reports.table import Table, text
from autoproc.reports.thinning import block_mean

RD_POINTS = 60
"""Points of the plot of Rd, so that there are many pairs in each."""
LEAST_PAIRS = LEAST_SIGNALS // 2
"""R of fewer pairs is scatter, and would set the axis for all the others."""
LEAST_R = 0.02
"""The axes of R factors reach at least so far, so that noise does not look like damage."""
SHOWN_SHELLS = 4
"""Shells of resolution that are drawn beside the whole: the first and last among them."""


def damage_page(title: str, result: DamageResult) -> str:
    """A page of its own."""
    return render("files.html", title=title, sections=[damage_section(result)])


def damage_section(result: DamageResult) -> Section:
    """What radiation did, in plots."""
    shells = np.unique(np.linspace(0, len(result.shells) - 1, SHOWN_SHELLS).astype(int))
    names = [f"{low:.2f}\u2013{high:.2f} \u00c5" for low, high in result.shells]
    told = [(names[n], n) for n in shells] if len(result.shells) > 1 else []
    pairs, completeness = result.pairs, result.completeness
    rcp = {
        "all": _of_many(pairs.rcp, pairs.scp),
        **{name: _of_many(pairs.rcp_shells[n], pairs.scp_shells[n]) for name, n in told},
    }
    scp = {"all": pairs.scp, **{name: pairs.scp_shells[n] for name, n in told}}
    figures = [
        Figure("Rd", _told([of_intensities(result.drift), *of_doses(result)],
                           "R factor of pairs of equivalents by their difference of dose: flat without damage."),
               _rd(result)),
        Figure("Rcp", "R factor of all pairs so far: it climbs where later images disagree with earlier ones. Drawn "
               f"from {LEAST_PAIRS} pairs on.", _by_dose(result, rcp, "Rcp", LEAST_R)),
        Figure("Scp", "Rcp over what the errors lead to expect: near 1 without damage.",
               _by_dose(result, scp, "Scp", 1.5)),
        Figure("Completeness against dose", "What was measured by then.",
               _by_dose(result, {"I": completeness.either, "I(+)": completeness.plus, "I(\u2212)": completeness.minus,
                                 "both": completeness.both}, "completeness", 1.0)),
        Figure("Decay against dose",
               _told(of_decay(result), "B that the crystal gained, by the scales of its observations."),
               _decay(result)),
        Figure("Quality by part of the dose", "CC\u00bd of each part by itself, of all data so far, with the first.",
               _parts(result)),
    ]  # fmt: skip
    return Section("Damage", figures, [*_crystals(result), *_doses(result)])


def damage_facts(result: DamageResult) -> dict[str, Any]:
    """For programs: what changes over the dose, and of several crystals what each took."""
    drift = result.drift
    return {
        "change": None if drift is None else drift.change,
        "is_significant": None if drift is None else drift.is_significant,
        "b_growth": result.b_growth,
        "cell_growth": result.cell_growth,
        "crystals": [asdict(one) | {"suffers": one.suffers} for one in result.crystals],
    }


def _crystals(result: DamageResult) -> list[Table]:
    """What each of several crystals took."""
    if not result.crystals:
        return []
    header = ("sweeps", "crystal", "B gained (\u00c5\u00b2)", "scale at the end", "Rd gained")
    rows = [
        [f"{one.name}{' (suffers)' if one.suffers else ''}", str(one.crystal),
         *(value.replace(" +- ", "\u00a0\u00b1\u00a0") for value in crystal_figures(one))]
        for one in result.crystals
    ]  # fmt: skip
    return [Table("Crystals", header, rows, _told(which_suffer(result.crystals), _told([CRYSTALS], "")))]


def _doses(result: DamageResult) -> list[Table]:
    """Which doses each sweep has, where there are several."""
    if len(result.exposures) < 2:
        return []
    unit = "image" if result.unit == "images" else "dose"
    rows = [
        [one.name, str(one.crystal), text(one.first, "{:.4g}"), text(one.last, "{:.4g}")] for one in result.exposures
    ]
    header = ("data set", "crystal", f"first {unit}", f"last {unit}")
    return [Table("Doses", header, rows, "Doses add up within a crystal.")]


def _told(found: Sequence[str], how_to_read: str) -> str:
    """What a figure comes to, then how it is read."""
    return " ".join([*(full(sentence).replace("A^2", "\u00c5\u00b2") for sentence in found), how_to_read])


def _of_many(rcp: np.ndarray, scp: np.ndarray) -> np.ndarray:
    """Rcp (K,) where it is of many pairs, as Scp is; all of it where there are many nowhere."""
    is_of_many = np.isfinite(scp)
    return np.where(is_of_many, rcp, np.nan) if is_of_many.any() else rcp


def _label(result: DamageResult) -> str:
    return "images exposed" if result.unit == "images" else "dose"


def _by_dose(result: DamageResult, curves: dict[str, np.ndarray], label: str, least: float) -> str:
    dose = block_mean(result.axis.ends)
    series = [ChartSeries(dose, block_mean(y), name, "line", n) for n, (name, y) in enumerate(curves.items())]
    greatest = max((np.nanmax(s.y) for s in series if np.isfinite(s.y).any()), default=0.0)
    return draw(Chart(series, _label(result), label, (0, least if greatest < least else None)))


def _rd(result: DamageResult) -> str:
    """Means of neighbouring differences, each pair counting once; of few pairs only where there are many nowhere."""
    pairs = result.pairs
    block = np.arange(result.axis.n_steps) * min(RD_POINTS, result.axis.n_steps) // result.axis.n_steps
    n = np.bincount(block, pairs.n_pairs)
    with np.errstate(invalid="ignore", divide="ignore"):
        rd = np.bincount(block, np.nan_to_num(pairs.rd) * pairs.n_pairs) / np.where(n > 0, n, np.nan)
        difference = np.bincount(block, result.axis.differences) / np.bincount(block)
    if (n >= LEAST_PAIRS).any():
        rd = np.where(n >= LEAST_PAIRS, rd, np.nan)
    greatest = np.nanmax(rd) if np.isfinite(rd).any() else 0.0
    limits = (0, LEAST_R if greatest < LEAST_R else None)
    return draw(Chart([ChartSeries(difference, rd, "", "both", 0)], f"difference, {_label(result)}", "Rd", limits))


def _decay(result: DamageResult) -> str:
    ends = np.array([part.dose for part in result.parts])
    b = result.decay.b
    limit = 2.0 if not np.isfinite(b).any() or np.nanmax(np.abs(b)) < 2.0 else None
    limits = (None if limit is None else -limit, limit)
    return draw(
        Chart([ChartSeries(ends, b, "", "both", 0)], _label(result), "B gained (\u00c5\u00b2)", limits, [Mark(0.0)])
    )


def _parts(result: DamageResult) -> str:
    ends = np.array([part.dose for part in result.parts])

    def values(of: Sequence[float | None]) -> np.ndarray:
        return np.array([np.nan if v is None else v for v in of])

    curves = {
        "by itself": values([p.cc_half for p in result.parts]),
        "so far": values([p.cc_half_so_far for p in result.parts]),
        "with the first": values([p.cc_first for p in result.parts]),
    }
    series = [ChartSeries(ends, y, name, "both", n) for n, (name, y) in enumerate(curves.items())]
    return draw(Chart(series, _label(result), "correlation", (None, 1.0)))
