"""A stretch of a sweep's rotation: its reflections, measured with the models that were known at its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoproc.errors import NoReflections, TooFewSpots
from autoproc.formats.images.frames import ImageReader
from autoproc.geometry.reciprocal import predict_near
from autoproc.integration.beam_level import FramesWithBeam
from autoproc.integration.blocks import Measuring
from autoproc.integration.first_reading import Look, Seen, TypicalFrame, look, look_further, usable_pixels
from autoproc.integration.kabsch import SpotFrames, bounding_boxes, spot_frames
from autoproc.integration.milestones import change_of_setting, surveyed_of_stretch
from autoproc.integration.params import IntegrateParams, StretchParams
from autoproc.integration.passes import Measure, MeasuredReflections, ToMeasure, measure_all
from autoproc.integration.predict import Predictions, predict
from autoproc.integration.profiles import DetectorRegions
from autoproc.integration.scattering import steady_geometry
from autoproc.integration.shadow import Untrusted
from autoproc.integration.shapes import SpotShape, SpotWidths, shape_of, spot_widths
from autoproc.integration.shoeboxes import rotation_blocks
from autoproc.integration.strong import match, match_predictions, strong_spots
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections

BORDER = 2.0
"""Frames by which predictions of models of before and now may differ."""
COMPARED = 2000
"""Reflections of a stretch, evenly from all, that are compared with the final models: 1% of them are still 20."""

ENOUGH_WIDTHS = 2000
"""Spots of a stretch from which its widths are its own; with fewer, those of the stretches before are taken in. 2,567
and 3,316 spots gave a sigma_m 0.1% and 2.4% from that of 54,173 (simulated)."""


class TooFewForShapes(TooFewSpots):
    """A sweep whose spots do not tell how wide they are. widths : what they told all the same, of each lattice."""

    def __init__(self, widths: tuple[SpotWidths, ...], **facts: object) -> None:
        self.widths = widths
        super().__init__(**facts)


@dataclass(frozen=True, slots=True, eq=False)
class BeforeMeasuring:
    """What the images told before anything was measured.

    usable : (slow, fast) bool; noise : variance of a pixel beside that of counting, counts^2
    predictions, frames : of the reflections of which enough is on the images, sorted by frame
    """

    lit: FramesWithBeam
    shapes: list[SpotShape]
    widths: tuple[SpotWidths, ...]
    untrusted: Untrusted
    usable: np.ndarray
    noise: float
    predictions: Predictions
    frames: SpotFrames


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Reflections that ended before a milestone, but for those of earlier stretches, as they were measured.

    experiments : the models; frames, bbox : of the reflections
    without_beam, dimmed : frames left out
    """

    experiments: tuple[Experiment, ...]
    predictions: Predictions
    frames: SpotFrames
    bbox: np.ndarray
    measured: MeasuredReflections
    n_blocks: int
    without_beam: frozenset[int]
    dimmed: frozenset[int]

    def in_setting_of(self, experiments: Sequence[Experiment]) -> Stretch | None:
        """With the indices of these models' settings; None where they are of other lattices."""
        if len(experiments) != len(self.experiments):
            return None
        hkl = self.predictions.hkl.copy()
        for lattice, (own, other) in enumerate(zip(self.experiments, experiments, strict=True)):
            change = change_of_setting(own, other)
            if change is None:
                return None
            rows = self.predictions.experiment == lattice
            hkl[rows] = hkl[rows] @ change
        return replace(self, predictions=replace(self.predictions, hkl=hkl))

    def is_borne_out(self, experiments: Sequence[Experiment], params: StretchParams) -> bool:
        """Models in the same setting have its reflections at much the same places."""
        some = np.arange(0, len(self.predictions), max(1, len(self.predictions) // COMPARED))
        moved = _shifts(self.predictions[some], self.frames[some], experiments)
        is_there = np.isfinite(moved)
        if is_there.mean() < params.min_matched:
            return False
        return float(np.quantile(moved[is_there], 0.95)) <= params.max_shift


@dataclass(frozen=True, slots=True, eq=False)
class SoFar:
    """What of a sweep is measured, until `n_images` were known: stretches, in order, and what was seen.

    widths : what the spots of each lattice told of their widths; notes : why milestones came to nothing, in words
    """

    n_images: int = 0
    stretches: tuple[Stretch, ...] = ()
    seen: Seen | None = None
    widths: tuple[SpotWidths, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def reached(self) -> int:
        """The frame before which what is measured ended: that of the last milestone."""
        return self.n_images if self.stretches else 0

    def depth(self, n_sigma: float) -> float:
        """Frames from the centre to the end of the longest reflection of the last stretch."""
        return float((n_sigma / self.stretches[-1].frames.rate).max()) if self.stretches else 0.0

    def borne_out(self, experiments: Sequence[Experiment], params: StretchParams) -> SoFar:
        """The same in the setting of these models; nothing where they do not bear all of it out."""
        turned = [stretch.in_setting_of(experiments) for stretch in self.stretches]
        agreed = [one for one in turned if one is not None and one.is_borne_out(experiments, params)]
        return replace(self, stretches=tuple(agreed)) if len(agreed) == len(turned) else SoFar()


def next_stretch(
    so_far: SoFar,
    experiments: Sequence[Experiment],
    spots: Reflections,
    reader: ImageReader,
    params: IntegrateParams,
    n_threads: int,
    measure: Measure = measure_all,
) -> SoFar:
    """Measure what lies so well within the images that are known that all of it is on them.

    experiments : with the scan of these images; reader : of them; spots : indexed
    Raises TooFewForShapes or NoReflections.
    """
    n_images = experiments[0].scan.n_images
    known, seen = further_reading(so_far, experiments, spots, reader, params, n_threads, is_last=False)
    try:
        stretch = measured_stretch(known, so_far, False, experiments, reader, params, n_threads, measure)
    except NoReflections:  # none lies wholly on what has come since
        return replace(so_far, n_images=n_images, seen=seen, widths=known.widths)
    return SoFar(n_images, (*so_far.stretches, stretch), seen, known.widths, so_far.notes)


def measured_stretch(
    known: BeforeMeasuring,
    so_far: SoFar,
    is_last: bool,
    experiments: Sequence[Experiment],
    reader: ImageReader,
    params: IntegrateParams,
    n_threads: int,
    measure: Measure = measure_all,
) -> Stretch:
    """Measure the reflections that are not measured yet; where more images come, those that lie wholly before these.

    Raises NoReflections where there are none.
    """
    scan = experiments[0].scan
    order, own = _in_turn(known, so_far, np.inf if is_last else scan.n_images, params.n_sigma)
    predictions, frames = known.predictions[order], known.frames[order]
    bbox = bounding_boxes(frames, params.n_sigma, params.background_border, scan.n_images)
    blocks = rotation_blocks(
        predictions.xyz[:, 2], bbox, params.block_width / abs(scan.oscillation[1]), so_far.reached, scan.n_images, own,
    )  # fmt: skip
    if not blocks:
        raise _none_predicted()
    how = Measuring(
        params.n_sigma, experiments[0].detector[0].gain, scan.n_images, params.missing_flux_error,
        params.min_background_pixels, n_threads, known.noise,
    )  # fmt: skip
    what = ToMeasure(
        np.ascontiguousarray(known.usable, np.uint8), frames, bbox, predictions.zeta, predictions.d,
        predictions.experiment, blocks, DetectorRegions(reader.shape, params.profile_regions), params.min_references,
        how,
    )  # fmt: skip
    measured = measure(known.lit, what)
    rows = np.arange(len(order))[own]
    return Stretch(
        tuple(experiments), predictions[rows], frames[rows], bbox[rows], measured, len(blocks),
        frozenset(known.lit.without_beam), frozenset(known.lit.dimmed),
    )  # fmt: skip


def _in_turn(known: BeforeMeasuring, so_far: SoFar, until: float, n_sigma: float) -> tuple[np.ndarray, slice]:
    """Rows of the reflections that are measured already, of those to be measured, of later ones; which are the second.

    until : frame before which a peak has to end
    """
    z, depth = known.predictions.xyz[:, 2], n_sigma / known.frames.rate
    is_done = z < so_far.reached
    if so_far.stretches:
        earliest = so_far.reached - 2 * max(so_far.depth(n_sigma), float(depth.max())) - BORDER
        near = np.flatnonzero(z >= earliest)
        done = [stretch.predictions for stretch in so_far.stretches]
        late = Predictions.concatenate([rows[rows.xyz[:, 2] >= earliest - BORDER] for rows in done])
        is_done[near] = match_predictions(known.predictions[near], late) >= 0
    is_later = ~is_done & (z + depth > until)
    parts = [np.flatnonzero(rows) for rows in (is_done, ~is_done & ~is_later, is_later)]
    first = len(parts[0])
    return np.concatenate(parts), slice(first, first + len(parts[1]))


def first_reading(
    experiments: Sequence[Experiment],
    spots: Reflections,
    reader: ImageReader,
    params: IntegrateParams,
    n_threads: int,
    earlier: Look | None = None,
    others: Sequence[Sequence[SpotWidths]] = (),
) -> tuple[BeforeMeasuring, Look]:
    """Predict a whole sweep, and learn the shapes of spots and the background between them.

    Raises TooFewForShapes or NoReflections.
    """
    scan, gain = experiments[0].scan, experiments[0].detector[0].gain
    candidates = _predictions(experiments, params, n_threads)
    strong = strong_spots(list(experiments), spots, candidates, match(spots, candidates))
    typical = TypicalFrame.read(reader, _frame_of_most_spots(spots, scan.n_images), gain)
    steady = steady_geometry(experiments[0])
    seen = look(steady, reader, typical, strong.places, params.shadow, n_threads, earlier)
    lit = FramesWithBeam(reader, typical.level, seen.levels)
    width = abs(np.radians(scan.oscillation[1]))
    widths = tuple(spot_widths(strong, seen.spots, i, width) for i in range(len(experiments)))
    known = _known(experiments, candidates, lit, widths, seen.untrusted, typical.noise, params, n_threads, others)
    return known, seen


def further_reading(
    so_far: SoFar,
    experiments: Sequence[Experiment],
    spots: Reflections,
    reader: ImageReader,
    params: IntegrateParams,
    n_threads: int,
    is_last: bool,
) -> tuple[BeforeMeasuring, Seen]:
    """Predict what is not measured yet, and learn more of shapes and background from the frames that have come since.

    is_last : no more of them follow. Raises TooFewForShapes or NoReflections.
    """
    scan, gain = experiments[0].scan, experiments[0].detector[0].gain
    width = abs(scan.oscillation[1])
    first = max(0.0, so_far.reached - 3 * so_far.depth(params.n_sigma))
    candidates = _predictions(experiments, params, n_threads, first)
    strong = strong_spots(list(experiments), spots, candidates, match(spots, candidates))

    def typical() -> TypicalFrame:
        return TypicalFrame.read(reader, _frame_of_most_spots(spots, scan.n_images), gain)

    runs = surveyed_of_stretch(so_far.n_images, scan.n_images, params.stretches)
    seen, sums = look_further(
        so_far.seen, steady_geometry(experiments[0]), reader, typical, strong.places, runs, params.shadow, n_threads,
        is_last,
    )  # fmt: skip
    own = tuple(spot_widths(strong, sums, i, np.radians(width)) for i in range(len(experiments)))
    widths = tuple(_with_earlier(own, so_far.widths))
    lit = FramesWithBeam(reader, seen.level, seen.levels)
    return _known(experiments, candidates, lit, widths, seen.untrusted, seen.noise, params, n_threads, ()), seen


def _with_earlier(own: Sequence[SpotWidths], earlier: Sequence[SpotWidths]) -> Iterator[SpotWidths]:
    """Of each lattice, with what earlier spots told where there are few."""
    for lattice, widths in enumerate(own):
        is_enough = len(widths) >= ENOUGH_WIDTHS or lattice >= len(earlier)
        yield widths if is_enough else SpotWidths.together([earlier[lattice], widths])


def _known(
    experiments: Sequence[Experiment],
    candidates: Predictions,
    lit: FramesWithBeam,
    widths: tuple[SpotWidths, ...],
    untrusted: Untrusted,
    noise: float,
    params: IntegrateParams,
    n_threads: int,
    others: Sequence[Sequence[SpotWidths]],
) -> BeforeMeasuring:
    """Raises TooFewForShapes or NoReflections."""
    shapes = _shapes(widths, others, float(np.radians(params.max_sigma_m)), n_threads)
    predictions, frames = _recorded(experiments, candidates, shapes, params)
    if not len(predictions):
        raise _none_predicted()
    return BeforeMeasuring(lit, shapes, widths, untrusted, usable_pixels(lit, untrusted), noise, predictions, frames)


def _none_predicted() -> NoReflections:
    to_do = (
        "if integrate.d_min or d_max was given, leave it out; else the lattice or the geometry is wrong: compare "
        "the header's beam centre, distance and rotation with the beamline's log"
    )
    return NoReflections(to_do, stage="integration", reason="none is predicted within the images")


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


def _frame_of_most_spots(spots: Reflections, n_images: int) -> int:
    """A frame that had beam."""
    frame = np.clip(spots["xyz_obs_px"][:, 2].astype(int), 0, n_images - 1)
    return int(np.argmax(np.bincount(frame, minlength=n_images)))


def _predictions(
    experiments: Sequence[Experiment], params: IntegrateParams, n_threads: int, first: float = 0.0
) -> Predictions:
    """Reflections of all lattices, in order of frame, and some that cross just outside the scan; first : frame."""
    padding = np.radians(params.max_sigma_m * params.n_sigma)
    parts = [predict(e, params.d_min, padding, i, n_threads, first) for i, e in enumerate(experiments)]
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


def _shifts(rows: Predictions, frames: SpotFrames, experiments: Sequence[Experiment]) -> np.ndarray:
    """(N,) distance, in standard deviations of a spot, to where models in the same setting have each reflection.

    NaN where they have it nowhere.
    """
    distance = np.full(len(rows), np.nan)
    for lattice, experiment in enumerate(experiments):
        assert experiment.crystal is not None
        own = np.flatnonzero(rows.experiment == lattice)
        settings = experiment.crystal.A_at(rows.xyz[own, 2])
        where = predict_near(experiment, settings, rows.hkl[own], rows.phi[own])
        where[:, 2] = experiment.scan.frame_at(where[:, 2])
        off = where - rows.xyz[own]
        on_frame = np.einsum("nij,nj->ni", frames.transform[own], off[:, :2])
        distance[own] = np.sqrt(np.sum(on_frame**2, axis=1) + (frames.rate[own] * off[:, 2]) ** 2)
    return distance
