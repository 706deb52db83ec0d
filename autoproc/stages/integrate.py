"""Integration: the intensity of every reflection that the models predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoproc.formats.images.frames import ImageReader
from autoproc.integration.first_reading import Look
from autoproc.integration.params import IntegrateParams
from autoproc.integration.passes import Measure, MeasuredReflections, measure_all
from autoproc.integration.powder_rings import PowderRing
from autoproc.integration.predict import Predictions
from autoproc.integration.profiles import FittedProfiles
from autoproc.integration.report import HEADER, resolution_rows, shape_lines
from autoproc.integration.shadow import Untrusted
from autoproc.integration.shapes import SpotShape, SpotWidths
from autoproc.integration.stretch import SoFar, TooFewForShapes, first_reading, further_reading, measured_stretch
from autoproc.integration.strong import inherited_flags, match
from autoproc.integration.table import integrated_table, not_integrated
from autoproc.linear_algebra import single_threaded_blas
from autoproc.models.experiment import Experiment, ProfileModel
from autoproc.models.left_out import LeftOut
from autoproc.models.reflections import Flag, Reflections
from autoproc.wording import accounted, counted

MEASURED_ANEW = (
    "what was measured with models of the first images was measured anew: those of all images place it elsewhere"
)

__all__ = ["IntegrateParams", "IntegrateResult", "TooFewForShapes", "format_integrate", "integrate"]


@dataclass(frozen=True, slots=True, eq=False)
class IntegrateResult:
    """Integrated reflections, the experiments with their spot widths, and facts for the report.

    shapes : spot widths of each lattice; untrusted : shadowed and hot pixels
    n_predicted : reflections predicted, of which `reflections` holds those that could be integrated
    n_blocks : rotation blocks with profiles of their own; n_references : spots these were learnt from
    n_overloaded : of those predicted, reflections with overloaded pixels, most of which could not be integrated
    ice_rings : powder rings of ice in the background between the spots
    beam_warning : the images that had no beam, or not all of it, in plain words; empty if all had
    look : what the images show whatever lattices are on them, of use where these are integrated once more
    widths : what the spots of each lattice told of their widths
    left_out : why reflections that were predicted could not be integrated
    profiles : that were fitted
    n_without_beam : images that had no beam
    n_stretches : of rotation, measured with models of the images until then; notes : on stretches that were not, or
        were measured anew, in words
    """

    experiments: list[Experiment]
    reflections: Reflections
    shapes: list[SpotShape]
    untrusted: Untrusted
    n_predicted: int
    n_blocks: int
    n_references: int
    beam_warning: str = ""
    n_overloaded: int = 0
    ice_rings: tuple[PowderRing, ...] = ()
    look: Look | None = None
    widths: tuple[SpotWidths, ...] = ()
    left_out: LeftOut = ()
    profiles: FittedProfiles | None = None
    n_without_beam: int = 0
    n_stretches: int = 0
    notes: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user should know, in plain words."""
        of_shapes = [text for s in self.shapes for text in (s.warning, s.borrowed)]
        return tuple(text for text in (*of_shapes, self.untrusted.warning, self.beam_warning) if text)


@single_threaded_blas
def integrate(
    experiments: Sequence[Experiment],
    spots: Reflections,
    reader: ImageReader,
    params: IntegrateParams | None = None,
    n_threads: int = 0,
    earlier: IntegrateResult | None = None,
    others: Sequence[Sequence[SpotWidths]] = (),
    so_far: SoFar | None = None,
    measure: Measure = measure_all,
) -> IntegrateResult:
    """Integrate the lattices of one sweep.

    spots : indexed strong spots, for the shapes of the reflections
    earlier : with other lattices, of the same images; where those are found unchanged, and their strong spots and
        geometry are the same, they are not looked at again. The result is the same as without it, to the bit
    others : of each lattice, what its spots on other sweeps told of their widths, for one with too few of its own
    so_far : what was measured with models of the first images: where these models bear it out, it stands, and only
        the rest is measured
    The images are read twice: once for the shapes of spots and the background between them (at most
    400 frames of a long sweep), once to integrate. Memory: the shoeboxes of two finished rotation blocks
    and those being filled (and of those that max_rotation lets reach into them), and a few frames for
    each thread, however long the sweep.
    Raises TooFewForShapes or NoReflections.
    """
    params, experiments, so_far = params or IntegrateParams(), list(experiments), so_far or SoFar()
    before = so_far.borne_out(experiments, params.stretches)
    seen: Look | None = None
    if before.stretches:
        known, further = further_reading(before, experiments, spots, reader, params, n_threads, is_last=True)
        rings = further.rings(reader)
    else:
        known, seen = first_reading(
            experiments, spots, reader, params, n_threads, earlier.look if earlier else None, others
        )
        rings = seen.rings
    last = measured_stretch(known, before, True, experiments, reader, params, n_threads, measure)
    stretches = (*before.stretches, last)
    predictions = Predictions.concatenate([stretch.predictions for stretch in stretches])
    bbox = np.concatenate([stretch.bbox for stretch in stretches])
    measured = MeasuredReflections.concatenate([stretch.measured for stretch in stretches])
    flags = inherited_flags(len(predictions), spots, match(spots, predictions))
    table = integrated_table(experiments, predictions, measured, bbox, flags, params.min_valid_fraction)
    kept = table.has_any_flag(Flag.INTEGRATED_SUM | Flag.INTEGRATED_PRF)
    models = [_with_profile(e, s, params.n_sigma) for e, s in zip(experiments, known.shapes, strict=True)]
    for stretch in before.stretches:
        known.lit.include(stretch.without_beam, stretch.dimmed)
    return IntegrateResult(
        models,
        table[kept],
        known.shapes,
        known.untrusted,
        len(predictions),
        sum(stretch.n_blocks for stretch in stretches),
        int(measured.is_reference.sum()),
        known.lit.warning(experiments[0].scan.image_range[0]),
        int(table.has_flag(Flag.OVERLOADED).sum()),
        rings,
        seen,
        known.widths,
        not_integrated(table),
        measured.profiles,
        len(known.lit.without_beam),
        len(before.stretches),
        (*so_far.notes, *(() if before.stretches or not so_far.stretches else (MEASURED_ANEW,))),
    )


def _with_profile(experiment: Experiment, shape: SpotShape, n_sigma: float) -> Experiment:
    sigma_b, sigma_m, spread = (float(np.degrees(width)) for width in (shape.sigma_b, shape.sigma_m, shape.spread))
    profile = ProfileModel(sigma_b, sigma_m, n_sigma, spread)
    return replace(experiment, profile=profile)


def _stretches_in_words(result: IntegrateResult) -> list[str]:
    measured = f"{counted(result.n_stretches, 'part')} of the rotation measured with models of the images until then"
    return [*([measured] if result.n_stretches else []), *result.notes]


def format_integrate(result: IntegrateResult) -> str:
    """What was integrated, by resolution, and what it was measured with."""
    rows = result.reflections
    untrusted = result.untrusted
    lines = [
        f"{counted(len(rows), 'reflection')} integrated: {rows.has_flag(Flag.INTEGRATED_SUM).sum()} by summation, "
        f"{rows.has_flag(Flag.INTEGRATED_PRF).sum()} by profile fitting",
        *shape_lines(result.shapes),
        f"profiles learnt from {result.n_references} strong spots in {result.n_blocks} blocks of rotation",
        *_stretches_in_words(result),
        f"in shadow: {untrusted.shadowed_fraction:.2%} of the pixels; hot pixels: {untrusted.n_hot}",
        *([f"  WARNING: {untrusted.warning}"] if untrusted.warning else []),
        *([f"WARNING: {result.beam_warning}"] if result.beam_warning else []),
        f"{rows.has_flag(Flag.OVERLAPPED_FG).sum()} reflections share pixels with a neighbour",
        "",
        HEADER,
        "-" * len(HEADER),
        *resolution_rows(rows),
        "",
        accounted(len(rows), result.left_out, "integrated", "reflections predicted"),
    ]
    return "\n".join(lines)
