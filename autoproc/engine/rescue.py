"""Ways to index that are more than other parameters: each changes what indexing starts from."""

from __future__ import annotations

import numpy as np

from autoproc.config import Config, change_table
from autoproc.decisions.indexing import FIND_AXIS, SEARCH_BEAM, STRONGEST_SPOTS
from autoproc.errors import ProcessingError
from autoproc.stages.find_rotation_axis import find_rotation_axis
from autoproc.stages.index import index
from autoproc.stages.pipeline import Processing
from autoproc.stages.search_beam import search_beam_position

STRONGEST = 0.25
"""Part of the spots among which the lattice is looked for."""


class BeamCentreStands(ProcessingError):
    """The search has found nothing better than the header's beam centre."""

    what = "the spots suggest no better beam centre than the header's ({x:.1f}, {y:.1f} px)"


class AxisStands(ProcessingError):
    """The spots suggest no clearly better rotation axis than the header's."""

    what = "the spots suggest no better rotation axis than the header's ({axis})"


def with_another_way(processing: Processing, config: Config, action: str) -> Config:
    """Prepare a processing for an action of decisions.indexing, and return the configuration for it; "" is none."""
    if action == SEARCH_BEAM:
        _move_beam_centre(processing, config)
    if action == FIND_AXIS:
        _turn_axis(processing, config)
    if action == STRONGEST_SPOTS:
        return with_cell_of_strongest(processing, config)
    return config


def _move_beam_centre(processing: Processing, config: Config) -> None:
    assert processing.found is not None
    with processing.timed("search_beam"):
        result = search_beam_position(processing.experiment, processing.found.reflections, config.search_beam)
    if not result.is_improved:
        x, y = result.centre_before
        raise BeamCentreStands(x=x, y=y)
    processing.stated = processing.stated or processing.experiment
    processing.experiment = result.experiment
    processing.warnings.append(result.in_words)


def _turn_axis(processing: Processing, config: Config) -> None:
    assert processing.found is not None
    with processing.timed("find_rotation_axis"):
        result = find_rotation_axis(processing.experiment, processing.found.reflections, config.find_rotation_axis)
    header, axis = (",".join(f"{x:.3f}" for x in v + 0.0) for v in (result.header, result.axis))
    if not result.is_improved:
        raise AxisStands(axis=header)
    processing.stated = processing.stated or processing.experiment
    processing.experiment = result.experiment
    which = f" ({result.usual})" if result.usual else ""
    processing.warnings.append(
        f"the header's rotation axis {header} was wrong: the one that the spots suggest was used, {axis}{which}; "
        f"tell the beamline, and give import_sweep.rotation_axis={axis} until its headers are right"
    )


def with_cell_of_strongest(processing: Processing, config: Config) -> Config:
    """The configuration with the cell that the strongest spots have when they are indexed alone."""
    assert processing.found is not None
    spots = processing.found.reflections
    limit = np.quantile(spots["intensity_sum"], 1 - STRONGEST)
    strongest = spots[spots["intensity_sum"] >= limit]
    with processing.timed("index"):
        cell = index([processing.experiment], strongest, config.index).crystals[0].cell
    return change_table(config, "index", {"unit_cell": tuple(float(x) for x in cell)})
