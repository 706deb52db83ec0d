"""Stretches of a sweep that are integrated before its last image is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from autoproc.errors import AutoprocError
from autoproc.formats.images.frames import ImageReader
from autoproc.indexing.known_lattices import indexed_by
from autoproc.indexing.params import IndexParams
from autoproc.integration.params import IntegrateParams
from autoproc.integration.passes import Measure, measure_all
from autoproc.integration.stretch import SoFar, next_stretch
from autoproc.linear_algebra import single_threaded_blas
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections
from autoproc.params import Params
from autoproc.refinement.params import RefineParams
from autoproc.stages.index import index
from autoproc.stages.refine import RefineResult, refine


class StretchesParams(Params):
    """Those of the stages that a stretch goes through."""

    index: IndexParams = IndexParams()
    refine: RefineParams = RefineParams()
    integrate: IntegrateParams = IntegrateParams()


@dataclass(frozen=True, slots=True, eq=False)
class Integrating:
    """How far a sweep is integrated: the models of the last milestone that gave any, and what was measured."""

    models: tuple[Experiment, ...] = ()
    so_far: SoFar = field(default_factory=SoFar)


class FirstFrames:
    """The first frames of a sweep: an ImageReader like the one of all of them."""

    def __init__(self, reader: ImageReader, n_frames: int) -> None:
        self._reader, self.n_frames, self.shape = reader, n_frames, reader.shape
        self.min_trusted, self.max_trusted = reader.min_trusted, reader.max_trusted

    @property
    def mask(self) -> np.ndarray:
        """(slow, fast) bool, where a pixel may be trusted."""
        return self._reader.mask

    def path(self, frame: int) -> Path:
        """The file of a frame."""
        return self._reader.path(frame)

    def read(self, frame: int) -> np.ndarray:
        """(slow, fast) counts of a frame."""
        return self._reader.read(frame)


@single_threaded_blas
def integrate_stretches(
    experiment: Experiment,
    until: Sequence[tuple[int, Reflections]],
    reader: ImageReader,
    params: StretchesParams,
    n_threads: int = 0,
    done: Integrating | None = None,
    measure: Measure = measure_all,
) -> SoFar:
    """Integrate all stretches of a sweep that come before its last one.

    until : the milestones, as numbers of images, each with the spots that have ended on these
    done : what was made before, at earlier ones
    """
    done = done or Integrating()
    for n_images, spots in until:
        done = next_milestone(done, experiment, n_images, spots, reader, params, n_threads, measure)
    return done.so_far


@single_threaded_blas
def next_milestone(
    done: Integrating,
    experiment: Experiment,
    n_images: int,
    spots: Reflections,
    reader: ImageReader,
    params: StretchesParams,
    n_threads: int = 0,
    measure: Measure = measure_all,
) -> Integrating:
    """Make models of the first n_images, and measure with them what lies well within these.

    spots : that have ended on these images; reader : of these or more
    Where that cannot be done nothing is but a note of why: the next milestone, or the end, measures it.
    """
    part = first_images(experiment, n_images)
    try:
        refined = _models(done.models, part, spots, params)
        so_far = next_stretch(
            done.so_far, refined.experiments, refined.reflections, FirstFrames(reader, n_images), params.integrate,
            n_threads, measure,
        )  # fmt: skip
    except AutoprocError as error:
        note = f"nothing was measured with models of the first {n_images} images: {error.message}"
        return replace(done, so_far=replace(done.so_far, notes=(*done.so_far.notes, note)))
    return Integrating(tuple(refined.experiments), so_far)


def first_images(experiment: Experiment, n_images: int) -> Experiment:
    """The sweep's first images alone."""
    first = experiment.scan.image_range[0]
    return replace(experiment, scan=experiment.scan.part(first, first + n_images - 1))


def _models(known: Sequence[Experiment], part: Experiment, spots: Reflections, params: StretchesParams) -> RefineResult:
    """Refined on these images; their lattices are looked for once, and then known. Raises AutoprocError."""
    most = min(params.refine.reflections_per_degree or np.inf, params.integrate.stretches.reflections_per_degree)
    how = params.refine.model_copy(update={"reflections_per_degree": most})
    if not known:
        found = index([part], spots, params.index)
        return refine(found.experiments, found.reflections, how)
    experiments = [replace(model, scan=part.scan) for model in known]
    table = indexed_by(experiments, spots, params.index)
    static = [replace(e, crystal=e.crystal.static()) for e in experiments if e.crystal is not None]
    return refine(static, table, how)
