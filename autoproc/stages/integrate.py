"""Integration: the intensity of every reflection that the models predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoproc.errors import NoReflections, TooFewSpots
from autoproc.formats.images.frames import ImageReader
from autoproc.integration.beam_level import FramesWithBeam
from autoproc.integration.blocks import Measuring
from autoproc.integration.kabsch import SpotFrames, bounding_boxes, spot_frames
from autoproc.integration.look import Early, Look, TypicalFrame, look, usable_pixels
from autoproc.integration.params import IntegrateParams
from autoproc.integration.passes import measure_all
from autoproc.integration.powder_rings import PowderRing
from autoproc.integration.predict import Predictions, predict
from autoproc.integration.profiles import DetectorRegions, FittedProfiles
from autoproc.integration.report import HEADER, resolution_rows, shape_lines
from autoproc.integration.scattering import steady_geometry
from autoproc.integration.shadow import Untrusted
from autoproc.integration.shapes import SpotShape, SpotWidths, shape_of, spot_widths
from autoproc.integration.shoeboxes import rotation_blocks
from autoproc.integration.strong import inherited_flags, match, strong_spots
from autoproc.integration.table import integrated_table, not_integrated
from autoproc.linear_algebra import single_threaded_blas
from autoproc.models.experiment import Experiment, ProfileModel
from autoproc.models.left_out import LeftOut
from autoproc.models.reflections import Flag, Reflections
from autoproc.wording import accounted, counted


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

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user should know, in plain words."""
        of_shapes = [text for s in self.shapes for text in (s.warning, s.borrowed)]
        return tuple(text for text in (*of_shapes, self.untrusted.warning, self.beam_warning) if text)


class TooFewForShapes(TooFewSpots):
    """A sweep whose spots do not tell how wide they are. widths : what they told all the same, of each lattice."""

    def __init__(self, widths: tuple[SpotWidths, ...], **facts: object) -> None:
        self.widths = widths
        super().__init__(**facts)


@single_threaded_blas
def integrate(
    experiments: Sequence[Experiment],
    spots: Reflections,
    reader: ImageReader,
    params: IntegrateParams | None = None,
    n_threads: int = 0,
    earlier: IntegrateResult | None = None,
    others: Sequence[Sequence[SpotWidths]] = (),
    early: Early | None = None,
) -> IntegrateResult:
    """Integrate the lattices of one sweep.

    spots : indexed strong spots, for the shapes of the reflections
    earlier : with other lattices, of the same images; where those are found unchanged, and their strong spots and
        geometry are the same, they are not looked at again. The result is the same as without it, to the bit
    others : of each lattice, what its spots on other sweeps told of their widths, for one with too few of its own
    early : what was seen of the images while they were collected. The result is the same as without it, to the bit
    The images are read twice: once for the shapes of spots and the background between them (at most
    400 frames of a long sweep), once to integrate. Memory: the shoeboxes of two finished rotation blocks
    and those being filled (and of those that max_rotation lets reach into them), and a few frames for
    each thread, however long the sweep.
    Raises TooFewForShapes or NoReflections.
    """
    params = params or IntegrateParams()
    experiments = list(experiments)
    scan = experiments[0].scan
    before = earlier.look if earlier else None
    known = _first_reading(experiments, spots, reader, params, n_threads, before, others, early)
    trusted = np.ascontiguousarray(known.usable, np.uint8)
    predictions, frames = known.predictions, known.frames
    bbox = bounding_boxes(frames, params.n_sigma, params.background_border, scan.n_images)
    blocks = rotation_blocks(predictions.xyz[:, 2], bbox, params.block_width / abs(scan.oscillation[1]), scan.n_images)
    how = Measuring(
        params.n_sigma, experiments[0].detector[0].gain, scan.n_images, params.missing_flux_error,
        params.min_background_pixels, n_threads, known.noise,
    )  # fmt: skip
    measured = measure_all(
        known.lit, trusted, frames, bbox, predictions.zeta, predictions.d, predictions.experiment, blocks,
        DetectorRegions(reader.shape, params.profile_regions),
        params.min_references, how,
    )  # fmt: skip
    flags = inherited_flags(len(predictions), spots, match(spots, predictions))
    table = integrated_table(experiments, predictions, measured, bbox, flags, params.min_valid_fraction)
    kept = table.has_any_flag(Flag.INTEGRATED_SUM | Flag.INTEGRATED_PRF)
    models = [_with_profile(e, s, params.n_sigma) for e, s in zip(experiments, known.shapes, strict=True)]
    return IntegrateResult(
        models,
        table[kept],
        known.shapes,
        known.look.untrusted,
        len(predictions),
        len(blocks),
        int(measured.is_reference.sum()),
        known.lit.warning(scan.image_range[0]),
        int(table.has_flag(Flag.OVERLOADED).sum()),
        known.look.rings,
        known.look,
        known.widths,
        not_integrated(table),
        measured.profiles,
        len(known.lit.without_beam),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """What the first reading of the images told.

    usable : (slow, fast) bool; noise : variance of a pixel beside that of counting, counts^2
    predictions, frames : of the reflections of which enough is on the images
    """

    lit: FramesWithBeam
    shapes: list[SpotShape]
    widths: tuple[SpotWidths, ...]
    look: Look
    usable: np.ndarray
    noise: float
    predictions: Predictions
    frames: SpotFrames


def _first_reading(
    experiments: list[Experiment],
    spots: Reflections,
    reader: ImageReader,
    params: IntegrateParams,
    n_threads: int,
    earlier: Look | None,
    others: Sequence[Sequence[SpotWidths]],
    early: Early | None,
) -> _Known:
    """Predict, and learn the shapes of spots and the background between them.

    Raises TooFewForShapes or NoReflections.
    """
    scan, gain = experiments[0].scan, experiments[0].detector[0].gain
    candidates = _predictions(experiments, params, n_threads)
    strong = strong_spots(experiments, spots, candidates, match(spots, candidates))
    typical = TypicalFrame.read(reader, _frame_of_most_spots(spots, scan.n_images), gain)
    steady = steady_geometry(experiments[0])
    seen = look(steady, reader, typical, strong.places, params.shadow, n_threads, earlier, early)
    lit = FramesWithBeam(reader, typical.level, seen.levels)
    width, largest = abs(np.radians(scan.oscillation[1])), np.radians(params.max_sigma_m)
    widths = tuple(spot_widths(strong, seen.spots, i, width) for i in range(len(experiments)))
    shapes = _shapes(widths, others, largest, n_threads)
    predictions, frames = _recorded(experiments, candidates, shapes, params)
    if not len(predictions):
        to_do = (
            "if integrate.d_min or d_max was given, leave it out; else the lattice or the geometry is wrong: compare "
            "the header's beam centre, distance and rotation with the beamline's log"
        )
        raise NoReflections(to_do, stage="integration", reason="none is predicted within the images")
    usable = usable_pixels(reader, seen.untrusted)
    return _Known(lit, shapes, widths, seen, usable, typical.noise, predictions, frames)


def _shapes(
    widths: tuple[SpotWidths, ...], others: Sequence[Sequence[SpotWidths]], max_sigma_m: float, n_threads: int
) -> list[SpotShape]:
    """Of each lattice. Raises TooFewForShapes."""
    try:
        return [
            shape_of(own, others[i] if i < len(others) else (), max_sigma_m, n_threads) for i, own in enumerate(widths)
        ]
    except TooFewSpots as error:
        raise TooFewForShapes(widths, **error.facts) from error


def _with_profile(experiment: Experiment, shape: SpotShape, n_sigma: float) -> Experiment:
    sigma_b, sigma_m, spread = (float(np.degrees(width)) for width in (shape.sigma_b, shape.sigma_m, shape.spread))
    profile = ProfileModel(sigma_b, sigma_m, n_sigma, spread)
    return replace(experiment, profile=profile)


def _frame_of_most_spots(spots: Reflections, n_images: int) -> int:
    """A frame that had beam."""
    frame = np.clip(spots["xyz_obs_px"][:, 2].astype(int), 0, n_images - 1)
    return int(np.argmax(np.bincount(frame, minlength=n_images)))


def _predictions(experiments: Sequence[Experiment], params: IntegrateParams, n_threads: int) -> Predictions:
    """Reflections of all lattices, in order of frame, and some that cross just outside the scan."""
    padding = np.radians(params.max_sigma_m * params.n_sigma)
    parts = [predict(e, params.d_min, padding, i, n_threads) for i, e in enumerate(experiments)]
    found = Predictions.concatenate(parts)
    return found[np.argsort(found.xyz[:, 2], kind="stable")]


def _recorded(
    experiments: Sequence[Experiment], candidates: Predictions, shapes: list[SpotShape], params: IntegrateParams
) -> tuple[Predictions, SpotFrames]:
    """The predictions of which enough lies within the scan, with their frames."""
    centre = candidates.xyz
    transform, rate = np.empty((len(candidates), 2, 2)), np.empty(len(candidates))
    for index, (experiment, shape) in enumerate(zip(experiments, shapes, strict=True)):
        here = candidates.experiment == index
        own = spot_frames(experiment, candidates[here], shape.sigma_b, shape.sigma_m, shape.spread)
        transform[here], rate[here] = own.transform, own.rate
    frames = SpotFrames(centre, transform, rate)
    scan = experiments[0].scan
    kept = frames.recorded_fraction(scan.n_images) >= params.min_partiality
    kept &= 2 * params.n_sigma / rate * abs(scan.oscillation[1]) <= params.max_rotation
    return candidates[kept], frames[kept]


def format_integrate(result: IntegrateResult) -> str:
    """What was integrated, by resolution, and what it was measured with."""
    rows = result.reflections
    untrusted = result.untrusted
    lines = [
        f"{counted(len(rows), 'reflection')} integrated: {rows.has_flag(Flag.INTEGRATED_SUM).sum()} by summation, "
        f"{rows.has_flag(Flag.INTEGRATED_PRF).sum()} by profile fitting",
        *shape_lines(result.shapes),
        f"profiles learnt from {result.n_references} strong spots in {result.n_blocks} blocks of rotation",
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
