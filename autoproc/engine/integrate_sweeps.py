"""Several sweeps integrated one after the other; one with too few strong spots learns their widths from the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from autoproc.config import Config
from autoproc.formats.images.damaged_frames import ForgivingReader
from autoproc.integration.shapes import SpotWidths
from autoproc.models.experiment import Experiment
from autoproc.models.numbering import renumbered, sweeps_of
from autoproc.models.reflections import Reflections
from autoproc.stages.integrate import IntegrateResult, TooFewForShapes
from autoproc.stages.pipeline import Watch, integrate_sweep, open_frames

Tell = Callable[[int, IntegrateResult, ForgivingReader], None]
"""Told of each sweep as it is done: its number, the result, and who read its images."""


def integrate_sweeps(
    experiments: Sequence[Experiment], spots: Reflections, config: Config, watch: Watch, tell: Tell
) -> tuple[list[Experiment], Reflections]:
    """The experiments with their spot widths, and the integrated reflections of all.

    spots : indexed, of all sweeps
    Sweeps whose own spots do not tell their widths come last, and take in those of the others: one crystal on one
    instrument has much the same on all. Raises TooFewForShapes where all have too few together, and NoReflections.
    """
    sweeps = sweeps_of(experiments)
    widths: dict[int, tuple[SpotWidths, ...]] = {}
    found: dict[int, IntegrateResult] = {}

    def integrated(number: int, others: Sequence[Sequence[SpotWidths]]) -> IntegrateResult:
        members = sweeps[number]
        reader = open_frames(experiments[members[0]], config, is_read_again=True)
        part = spots_of_sweep(spots, members, number)
        result = integrate_sweep(reader, [experiments[n] for n in members], part, config, watch, others=others)
        tell(number, result, reader)
        return result

    for number in range(len(sweeps)):
        try:
            found[number] = integrated(number, ())
            widths[number] = found[number].widths
        except TooFewForShapes as error:
            if len(sweeps) == 1:
                raise
            widths[number] = error.widths
    for number in [n for n in range(len(sweeps)) if n not in found]:
        others = [
            [of[lattice] for n, of in widths.items() if n != number and lattice < len(of)]
            for lattice in range(len(widths[number]))
        ]
        found[number] = integrated(number, others)
    models = {n: e for k, members in enumerate(sweeps) for n, e in zip(members, found[k].experiments, strict=True)}
    tables = [renumbered(found[k].reflections, dict(enumerate(members))) for k, members in enumerate(sweeps)]
    return [models[n] for n in sorted(models)], Reflections.concatenate(tables)


def spots_of_sweep(spots: Reflections, members: Sequence[int], image_set: int) -> Reflections:
    """The spots of a sweep's lattices, numbered as in `members`, and those that no lattice explains.

    The latter are wanted too: what lies close to them tells nothing of the shape of single spots.
    """
    ids = spots["experiment_id"]
    images = spots["imageset_id"] if "imageset_id" in spots else np.zeros(len(ids), np.int32)
    here = np.isin(ids, members) | ((ids < 0) & (images == image_set))
    new_ids = np.full(max(int(ids.max(initial=0)), *members) + 2, -1, np.int32)  # the last is that of -1
    new_ids[list(members)] = np.arange(len(members))
    identifiers = {new: spots.identifiers[old] for new, old in enumerate(members) if old in spots.identifiers}
    part = spots[here]
    return part.replace(experiment_id=new_ids[part["experiment_id"]]).with_identifiers(identifiers)
