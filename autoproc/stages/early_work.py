"""What was done on a sweep's images while they came, for the stages that would do it again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Protocol

import numpy as np

from autoproc.formats.images.damaged_frames import ForgivingReader
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.spot_finding.early import EarlySearch
from autoproc.spot_finding.gathering import Gathering
from autoproc.stages.find_spots import Early as EarlyFound
from autoproc.stages.integrate_stretches import Integrating, StretchesParams


@dataclass(frozen=True, slots=True, eq=False)
class EarlyStretches:
    """How far a sweep was integrated while it came, and of each milestone until then what that depends on.

    keys : see milestone_key; n_images : at the last of them
    """

    keys: tuple[str, ...] = ()
    n_images: int = 0
    integrating: Integrating = field(default_factory=Integrating)

    def result(self) -> EarlyStretches:
        """Itself, which is not under way."""
        return self

    def of(self, experiment: Experiment, until: Sequence[tuple[int, Reflections]], params: StretchesParams) -> bool:
        """The first milestones of a sweep, with the spots known at each, are the ones that these were made at."""
        first = until[: len(self.keys)]
        return self.keys == tuple(milestone_key(experiment, n_images, spots, params) for n_images, spots in first)


class StretchesUnderWay(Protocol):
    """Stretches that are being integrated, perhaps; n_images : that they have got to."""

    @property
    def n_images(self) -> int:
        """See above."""

    def result(self) -> EarlyStretches:
        """What there is when it is done."""


@dataclass(slots=True)
class EarlyWork:
    """Strong pixels that were found, and stretches that were integrated. They stand only for what would be the same.

    gathering : the spots on the first of the images that were searched
    """

    search: EarlySearch = field(default_factory=EarlySearch)
    stretches: StretchesUnderWay = field(default_factory=EarlyStretches)
    gathering: Gathering | None = None

    def copy(self) -> EarlyWork:
        """The same, to be used up in place of this."""
        return EarlyWork(self.search.copy(), self.stretches, self.gathering)

    @property
    def words(self) -> str:
        """How much of it there is."""
        n_integrated = self.stretches.n_images
        more = f", and the first {n_integrated} integrated" if n_integrated else ""
        return f"while they came, {len(self.search)} images were searched for spots{more}"

    def found(self, experiment: Experiment, reader: ForgivingReader) -> EarlyFound:
        """For finding the spots of a sweep."""
        first = experiment.scan.image_range[0]
        return lambda key: self.search.of(key, first, reader.stamp)

    def integrated(
        self, experiment: Experiment, until: Sequence[tuple[int, Reflections]], params: StretchesParams
    ) -> tuple[int, Integrating]:
        """How many of the milestones were reached, and what came of it; none where anything differs.

        What was found on all their images, which stand unchanged, has to have been taken from `found`.
        """
        known, first = self.stretches.result(), experiment.scan.image_range[0]
        is_taken = self.search.has_given(range(first, first + known.n_images))
        if not known.keys or not is_taken or not known.of(experiment, until, params):
            return 0, Integrating()
        return len(known.keys), known.integrating


def milestone_key(experiment: Experiment, n_images: int, spots: Reflections, params: StretchesParams) -> str:
    """The same for milestones at which the same is made of the same images."""
    told = hashlib.blake2b(params.model_dump_json().encode(), digest_size=16)
    scan = experiment.scan
    told.update(repr((n_images, scan.image_range[0], scan.oscillation)).encode())
    for model in (experiment.detector, experiment.beam, experiment.goniometer):
        told.update(_told(model))
    for name in sorted(spots):
        told.update(name.encode() + _told(np.ascontiguousarray(spots[name])))
    return told.hexdigest()


def _told(value: object) -> bytes:
    """Another for another value, of models made of arrays, numbers and words."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype.str} {value.shape}".encode() + value.tobytes()
    if is_dataclass(value):
        return b"".join(field.name.encode() + _told(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, tuple):
        return b"(" + b",".join(map(_told, value)) + b")"
    return repr(value).encode()
