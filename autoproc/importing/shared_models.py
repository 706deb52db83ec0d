"""Beams, detectors and goniometers that several sweeps have in common, as one object each: as one they are refined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np

from autoproc.models.experiment import Experiment

Model = TypeVar("Model")


def with_shared_models(experiments: Sequence[Experiment]) -> list[Experiment]:
    """The same experiments; those whose beam, detector or goniometer is equal number for number have one of it.

    A detector that did not move between sweeps is one detector: few spots on each tell where it is together.
    """
    beams: list[Any] = []
    detectors: list[Any] = []
    goniometers: list[Any] = []
    return [
        replace(
            e,
            beam=_known(e.beam, beams),
            detector=_known(e.detector, detectors),
            goniometer=_known(e.goniometer, goniometers),
        )
        for e in experiments
    ]


def _known(model: Model, models: list[Model]) -> Model:
    """The first of the models that is equal; the model itself, added to them, where none is."""
    for other in models:
        if is_same_model(model, other):
            return other
    models.append(model)
    return model


def is_same_model(one: Any, other: Any) -> bool:
    """Two models, or parts of them, are equal number for number."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if is_dataclass(one):
        return all(is_same_model(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(is_same_model, one, other))
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    return bool(one == other)
