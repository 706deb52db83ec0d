"""What follows from the scaling that stands: merged data, and what radiation did, side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autoproc.combining.against_reference import ReferenceDoesNotFit
from autoproc.combining.flags_of_reference import OtherAxes
from autoproc.config import Config
from autoproc.errors import AutoprocError, InputError
from autoproc.formats.observed.free_flags import FreeFlags, NoFreeFlags, read_free_flags
from autoproc.linear_algebra import single_threaded_blas
from autoproc.models.experiment import Experiment
from autoproc.models.merged import Merged
from autoproc.models.reflections import Reflections
from autoproc.scaling.result import ScaleResult
from autoproc.stages.anisotropy import Anisotropy
from autoproc.stages.damage_analysis import DamageResult, damage_analysis
from autoproc.stages.merge import merge
from autoproc.threads import side_by_side


@dataclass(slots=True)
class Conclusion:
    """What was found.

    scaled : the scaling, whole; damage : None where it cannot be told, and untold says why
    merged_inside : of uncut data what lies within the limits of their directions; doubts : about merging
    seconds : wall time by stage, of each by itself
    """

    scaled: ScaleResult
    damage: DamageResult | None = None
    untold: str = ""
    merged: Merged | None = None
    merged_inside: Merged | None = None
    doubts: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)


@single_threaded_blas
def conclude(
    scaled: ScaleResult, config: Config, keep: Callable[[ScaleResult], None],
    uncut: tuple[ScaleResult, Anisotropy] | None = None,
) -> Conclusion:  # fmt: skip
    """Merge, analyse damage, and make the scaling whole.

    keep : is given the scaling as soon as it is whole; uncut : to be merged within the limits of directions as well
    Raises what merging raises.
    """
    found = Conclusion(scaled)

    def complete() -> None:
        found.scaled = scaled.whole
        keep(found.scaled)

    def see_damage() -> None:
        try:
            found.damage = damage_analysis(scaled.experiments, scaled.reflections, config.damage_analysis)
        except AutoprocError as error:
            found.untold = f"damage was not analysed: {error.message}; {error.advice}"

    def merge_all() -> None:
        found.merged, found.doubts = merged_with_flags(scaled.experiments, scaled.reflections, config)
        if uncut is not None:
            of, within = uncut
            found.merged_inside, doubts = merged_with_flags(of.experiments, of.reflections, config, within)
            found.doubts += doubts

    tasks = {"scale": complete, "merge": merge_all, "damage_analysis": see_damage}
    seconds = side_by_side(*(_timed(task) for task in tasks.values()))
    found.seconds = dict(zip(tasks, seconds, strict=True))
    return found


def _timed(task: Callable[[], Any]) -> Callable[[], float]:
    """The task, which tells how many seconds it took."""

    def timed() -> float:
        start = time.perf_counter()
        task()
        return time.perf_counter() - start

    return timed


def merged_with_flags(
    experiments: Sequence[Experiment], reflections: Reflections, config: Config, within: Anisotropy | None = None
) -> tuple[Merged, tuple[str, ...]]:
    """Merged data with the free-R flags of the reference; new ones and a warning where it is of another crystal.

    Whether they may be merged is not asked again: scaling has seen to that. With doubts in words.
    """
    params = config.merge.model_copy(update={"check_forms": False})
    try:
        merged = merge(experiments, reflections, params, within, flags_to_carry_on(config))
        return merged, merged.doubts
    except (ReferenceDoesNotFit, OtherAxes, InputError) as error:
        words = f"free-R flags are new, not those of the reference: {error.message}; {error.advice}"
        return merge(experiments, reflections, params, within), (words,)


def flags_to_carry_on(config: Config) -> FreeFlags | None:
    """The flags of merge.reference, or of combine.reference if it has some. Raises NoFreeFlags or NoReference."""
    if config.merge.reference is not None:
        return read_free_flags(Path(config.merge.reference))
    if config.combine.reference is not None:
        with suppress(NoFreeFlags):
            return read_free_flags(Path(config.combine.reference))
    return None
