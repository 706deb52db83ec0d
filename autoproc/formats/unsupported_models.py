"""Models that DIALS files may hold and the stages do not know: refused by name, for they would be obeyed in part."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autoproc.errors import UnsupportedFile
from autoproc.models.experiment import Experiment


def require_known_models(path: str | Path, experiments: Sequence[Experiment]) -> None:
    """Raise UnsupportedFile for detectors of several panels and for a pedestal, which no stage takes off the counts."""
    for number, experiment in enumerate(experiments):
        n_panels = len(experiment.detector)
        if n_panels != 1:
            reason = f"the detector of experiment {number} has {n_panels} panels, and only those of one are processed"
            raise UnsupportedFile(path=path, reason=reason)
        pedestal = experiment.detector[0].pedestal
        if pedestal:
            reason = (
                f"the panel of experiment {number} has a pedestal of {pedestal:g} counts, which is not taken off them"
            )
            raise UnsupportedFile(path=path, reason=reason)
