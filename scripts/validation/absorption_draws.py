"""Whether the choice of absorption level depends on what is drawn, and what a wrong choice costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import gemmi
import numpy as np

from autoproc.decisions.absorption import ABSORPTION, LEVELS
from autoproc.decisions.ladder import Decision, Step
from autoproc.engine.climb import Budget, climb
from autoproc.engine.reporting import absorption_report
from autoproc.errors import AutoprocError
from autoproc.merging.groups import group_equivalents
from autoproc.models.reflections import Flag
from autoproc.scaling.held_out import HeldOut, held_out_agreement, held_out_test
from autoproc.scaling.params import ScaleParams
from autoproc.scaling.result import ScaleResult
from autoproc.stages.scale import scale
from validation.absorbing import CRYSTALS, AbsorbingCrystal, Draw, absorbing_crystal, draw
from validation.truth import correlation, normalised_difference

COSTLY = 1.05
"""Times the least error against the truth of any level, from which a choice is a wrong one."""
HEADER = (
    f"{'crystal':16}{'draw':>5}{'d_min':>6}{'n':>7}{'photons':>8}  {'chosen':7}{'best':7}{'cost':>6}   "
    f"{'free Rmeas, ISa, R with truth %, error of scale % of low, medium, high':70}   CC"
)


@dataclass(frozen=True, slots=True)
class Level:
    """One level in one draw. isa : after scaling with it; cc, r : of merged with true intensities, each hand by itself;
    scale_error : rms of the logarithm of the factors against the true ones, among equivalents
    """

    free_r_meas: float | None
    isa: float
    cc: float
    r: float
    scale_error: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """One draw of one crystal: the level that the engine chooses, and what each would give."""

    crystal: str
    number: int
    d_min: float
    n: int
    exposure: float
    chosen: str
    levels: dict[str, Level]

    @property
    def best(self) -> str:
        """The level that is nearest to the truth."""
        return min(self.levels, key=lambda name: self.levels[name].r)

    @property
    def cost(self) -> float:
        """Error of the chosen level over the least."""
        return self.levels[self.chosen].r / self.levels[self.best].r


def run_draws(names: Sequence[str], n: int) -> int:
    """Print every draw and a line for each crystal; 1 if a choice was a wrong one."""
    print(HEADER)
    outcomes: list[Outcome] = []
    for name in names or CRYSTALS:
        crystal = absorbing_crystal(name)
        found = [outcome(name, crystal, number) for number in range(n)]
        print(summary(found) + "\n", flush=True)
        outcomes += found
    n_costly = sum(o.cost > COSTLY for o in outcomes)
    print(f"{n_costly} of {len(outcomes)} choices cost more than {COSTLY - 1:.0%} of the error against the truth")
    return int(n_costly > 0)


def outcome(name: str, crystal: AbsorbingCrystal, number: int) -> Outcome:
    """Scale, choose as the engine does, and scale with every level; printed at once."""
    drawn = draw(crystal, number)
    scaled = scale([crystal.experiment], drawn.reflections, ScaleParams(absorption_level="medium"))
    chosen, free = choose(scaled, drawn.d_min)
    levels = {}
    for level in LEVELS:
        params = ScaleParams(absorption_level=level, d_min=drawn.d_min)
        levels[level] = judged(scale([crystal.experiment], drawn.reflections, params, scaled), drawn, free.get(level))
    result = Outcome(name, number, drawn.d_min, len(drawn.reflections), drawn.exposure, chosen, levels)
    print(row(result), flush=True)
    return result


def choose(scaled: ScaleResult, d_min: float) -> tuple[str, dict[str, float | None]]:
    """The level that the engine's ladder ends at, and the free Rmeas of those that it tried."""
    shared = held_out_test(scaled, d_min)
    free: dict[str, float | None] = {}

    def attempt(step: Step) -> tuple[str, HeldOut]:
        level = step.changes.get("scale.absorption_level", LEVELS[0])
        held_out = held_out_agreement(shared, level)
        free[level] = held_out.r_meas
        return level, held_out

    journal: list[Decision] = []
    budget = Budget(len(LEVELS), float("inf"))
    return climb(ABSORPTION, attempt, lambda tried: absorption_report(*tried), budget, journal).result[0], free


def judged(scaled: ScaleResult, drawn: Draw, free_r_meas: float | None) -> Level:
    """A scaling beside the truth."""
    table, crystal = scaled.reflections, scaled.experiments[0].crystal
    if crystal is None:
        raise AutoprocError("a crystal is lost")
    kept = np.flatnonzero(table.has_flag(Flag.SCALED))
    groups = group_equivalents(crystal.space_group, table["hkl"][kept]).anomalous()
    g, true, variance = table["inverse_scale"][kept], drawn.intensity[kept], table["variance_scale"][kept]
    mean, sigma = groups.weighted_mean(table["intensity_scale"][kept] / g, variance / g**2)
    seen = groups.count > 0
    mean, sigma = mean[seen], sigma[seen]
    truth = groups.sum(true)[seen] / groups.count[seen]
    s2 = np.asarray(gemmi.UnitCell(*crystal.cell).calculate_1_d2_array(groups.hkl[seen]))
    z = normalised_difference(mean, sigma, truth, s2)
    off = np.log(g / drawn.factor[kept])
    several = groups.count[groups.group] > 1
    off = (off - (groups.sum(off) / np.maximum(groups.count, 1))[groups.group])[several]
    r = float(np.abs(z * sigma).sum() / np.abs(mean).sum())
    return Level(free_r_meas, scaled.isa, correlation(mean, truth), r, float(np.sqrt(np.mean(off**2))))


def row(o: Outcome) -> str:
    """One line."""
    levels = o.levels.values()
    free = " ".join("  -  " if x.free_r_meas is None else f"{x.free_r_meas:.3f}" for x in levels)
    numbers = "  ".join(
        " ".join(f"{100 * getattr(x, name) if name != 'isa' else x.isa:4.1f}" for x in levels)
        for name in ("isa", "r", "scale_error")
    )
    cc = " ".join(f"{x.cc:.4f}" for x in levels)
    mark = "!" if o.cost > COSTLY else " "
    start = f"{o.crystal:16}{o.number:5d}{o.d_min:6.2f}{o.n:7d}{o.exposure:8.0%}  {o.chosen:7}{o.best:7}"
    return f"{start}{o.cost:6.3f}{mark}  {free}  {numbers}   {cc}"


def summary(outcomes: Sequence[Outcome]) -> str:
    """How often each level was chosen, and what it cost."""
    first = outcomes[0].crystal
    chosen, best = (Counter(getattr(o, name) for o in outcomes) for name in ("chosen", "best"))
    most = chosen.most_common(1)[0][1]
    text = ", ".join(f"{name} {chosen[name]} times (best {best[name]})" for name in LEVELS)
    spread = [
        f"{name} {min(r):.3f} to {max(r):.3f}"
        for name in LEVELS
        if (r := [o.levels[name].free_r_meas for o in outcomes if o.levels[name].free_r_meas is not None])  # type: ignore[type-var]
    ]
    return (
        f"{first}: {text}; {len(outcomes) - most} of {len(outcomes)} differ from the usual choice; greatest cost "
        f"{max(o.cost for o in outcomes) - 1:.1%}; free Rmeas {', '.join(spread)}"
    )
