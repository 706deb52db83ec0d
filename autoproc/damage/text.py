"""An analysis of damage as text."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from autoproc.damage.by_crystal import CrystalDamage
from autoproc.damage.drift import Drift
from autoproc.damage.result import DamageResult
from autoproc.text_tables import ruled_table

N_DIFFERENCES = 10
"""Lines of the table of Rd."""
NOTABLE_CHANGE = 0.05
"""Of the intensities over the sweep, rms: simulated sweeps without damage stay below 4%, and merged amplitudes were off
by 4% at 16%, by 7% at 30% (simulated)."""
CRYSTALS = (
    "Of each crystal, from its first observation to its last: B gained (A^2), scale at the end (1 at the start), and "
    "the growth of Rd beyond what the errors lead to expect"
)


def format_damage_analysis(result: DamageResult) -> str:
    """A line for each part of the dose, Rd by difference of dose, and what it comes to in words."""
    lines = [
        f"{result.n_observations} observations of {result.n_unique} unique reflections, "
        f"{_dose(result.axis.start, result)} to {_dose(float(result.axis.ends[-1]), result)}",
        *_by_sweep(result),
        *_by_crystal(result),
        "",
        ruled_table(*_by_dose(result)),
        "",
        "Rd: R factor of pairs of equivalents against their difference of dose (Diederichs 2006)",
        ruled_table(("Difference to", "Pairs", "Rd"), _by_difference(result)),
        "",
        *map(full, [*sentences(result), *which_suffer(result.crystals)]),
    ]
    return "\n".join(lines)


def full(sentence: str) -> str:
    """With a capital and a full stop."""
    return f"{sentence[0].upper()}{sentence[1:]}."


def sentences(result: DamageResult) -> list[str]:
    """What the damage comes to, in plain words."""
    return [of_intensities(result.drift), *of_doses(result), *of_decay(result)]


def of_doses(result: DamageResult) -> list[str]:
    """How doses are counted; nothing of a single sweep."""
    n_crystals = len({sweep.crystal for sweep in result.exposures})
    if n_crystals > 1:
        return [f"doses are counted for each of {n_crystals} crystals from its first sweep on"]
    if len(result.exposures) > 1:
        return [f"the doses of {len(result.exposures)} sweeps of one crystal add up, in their order"]
    return []


def of_decay(result: DamageResult) -> list[str]:
    """What B and the cell do."""
    found, b = [], result.b_growth
    if b is not None:
        found.append(f"B grows by {b:.1f} A^2 over the sweep" if round(b, 1) > 0 else f"B does not grow ({b:z.1f} A^2)")
    if result.cell_growth is not None:
        found.append(f"the cell's volume changes by {result.cell_growth:+.2%} by its edges")
    return found


def of_intensities(drift: Drift | None) -> str:
    """Whether they change with dose, by how much, or up to what that cannot be told."""
    if drift is None:
        return "too few reflections were measured four times or more, far apart, to tell a change of the intensities"
    if not drift.is_significant and drift.least_seen > NOTABLE_CHANGE:
        return (
            "whether intensities change over the sweep beyond what scaling took out cannot be told: "
            f"by less than {drift.least_seen:.1%}"
        )
    if not drift.is_significant:
        return (
            "intensities at the end do not differ from those at the start beyond what scaling took out "
            f"(less than {drift.least_seen:.1%})"
        )
    return (
        f"intensities at the end differ from those at the start by {drift.change:.1%}, beyond what scaling took out "
        f"(rms of {drift.n} reflections)"
    )


def which_suffer(crystals: Sequence[CrystalDamage]) -> list[str]:
    """Of several crystals, those that suffer; nothing of a single one."""
    if not crystals:
        return []
    suffering = [one.name for one in crystals if one.suffers]
    if not suffering:
        return [f"none of the {len(crystals)} crystals suffers by itself"]
    return [f"{len(suffering)} of {len(crystals)} crystals {'suffer' if len(suffering) > 1 else 'suffers'}: "
            f"{', '.join(suffering)}"]  # fmt: skip


def of_crystal(one: CrystalDamage) -> str:
    """The figures of one of several crystals."""
    b, scale, rd = crystal_figures(one)
    told = [
        f"B {b} A^2" if b else "B not known", f"scale at the end {scale}" if scale else "scale not known",
        f"Rd {rd}" if rd else "too few pairs for Rd",
    ]  # fmt: skip
    return f"{one.name}: {', '.join(told)}{' (suffers)' if one.suffers else ''}"


def crystal_figures(one: CrystalDamage) -> tuple[str, str, str]:
    """Growth of B, Angstrom^2, scale at the end, growth of Rd with its uncertainty; "" for what is not known."""
    rd = "" if one.rd_growth is None else f"{one.rd_growth:+.3f} +- {one.rd_error:.3f}"
    b = "" if one.b_growth is None else f"{one.b_growth:+.1f}"
    return b, "" if one.scale is None else f"{one.scale:.2f}", rd


def _by_crystal(result: DamageResult) -> list[str]:
    """What each crystal took; nothing of a single one."""
    if not result.crystals:
        return []
    header = ("Crystal", "Sweeps", "B gained", "Scale at the end", "Rd gained", "")
    rows = [
        (one.crystal, one.name, *(value or "-" for value in crystal_figures(one)), "suffers" if one.suffers else "")
        for one in result.crystals
    ]
    return ["", CRYSTALS, ruled_table(header, rows, left=(1, 5))]


def _by_sweep(result: DamageResult) -> list[str]:
    """Which doses each sweep has, and of which crystal it is; nothing of a single sweep."""
    if len(result.exposures) < 2:
        return []
    unit = "image" if result.unit == "images" else "dose"
    header = ("Data set", "Crystal", f"First {unit}", f"Last {unit}")
    rows = [(sweep.name, sweep.crystal, f"{sweep.first:.4g}", f"{sweep.last:.4g}") for sweep in result.exposures]
    return ["", "Doses add up within a crystal", ruled_table(header, rows, left=(0,))]


def _dose(value: float, result: DamageResult) -> str:
    return f"{'image' if result.unit == 'images' else 'dose'} {value:.4g}"


def _by_dose(result: DamageResult) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    header = (
        "Image" if result.unit == "images" else "Dose", "Complete", "I+ and I-", "Mult.", "I/sigma", "CC1/2", "so far",
        "CC first", "Rcp", "Scp", "Scale", "B gained",
    )  # fmt: skip
    rows: list[tuple[object, ...]] = []
    n = result.axis.n_steps
    for k, part in enumerate(result.parts):
        last = max(0, min(n - 1, int(np.ceil(n * (k + 1) / len(result.parts))) - 1))
        c = result.completeness
        rows.append((
            f"{part.dose:.4g}", f"{c.either[last]:.1%}", f"{c.both[last]:.1%}", f"{part.multiplicity:.1f}",
            _number(part.i_over_sigma, 1), *(_number(v, 3) for v in (part.cc_half, part.cc_half_so_far, part.cc_first)),
            _number(result.pairs.rcp[last], 4), _number(result.pairs.scp[last], 3),
            _number(result.decay.scale[k], 3), _number(result.decay.b[k], 2),
        ))  # fmt: skip
    return header, rows


def _by_difference(result: DamageResult) -> list[tuple[object, ...]]:
    """Rd of all pairs in ranges of the difference, each pair counting once."""
    pairs = result.pairs
    edges = np.unique(np.linspace(0, result.axis.n_steps, N_DIFFERENCES + 1).astype(int))
    rows: list[tuple[object, ...]] = []
    for low, high in pairwise(edges):
        n = pairs.n_pairs[low:high]
        known = n > 0
        rd = np.average(pairs.rd[low:high][known], weights=n[known]) if known.any() else np.nan
        rows.append((f"{result.axis.width * high:.4g}", int(n.sum()), _number(float(rd), 4)))
    return rows


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None or not np.isfinite(value) else f"{value:.{digits}f}"
