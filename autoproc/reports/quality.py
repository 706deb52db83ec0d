"""The checks of a sweep: which rules of reports.checks its results allow."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from autoproc.damage.by_crystal import CrystalDamage
from autoproc.geometry.detector import beam_centre_px
from autoproc.merging.translation import highest_patterson_peak
from autoproc.merging.twinning import l_test
from autoproc.models.data_set_names import data_set_names
from autoproc.models.experiment import Experiment
from autoproc.models.merged import Merged
from autoproc.models.space_group import symbol
from autoproc.reports import checks
from autoproc.reports.by_wavelength import merged_data_sets, merged_statistics
from autoproc.reports.checks import Check
from autoproc.reports.how_far import is_cut_at_estimate
from autoproc.reports.story import detector_reach
from autoproc.scaling.detector_response import detector_responses, strong_observations
from autoproc.scaling.polarisation import polarisation_seen
from autoproc.scaling.result import ScaleResult
from autoproc.stages.pipeline import Processing, results_by_stage
from autoproc.threads import side_by_side
from autoproc.wording import number_ranges

MACROMOLECULAR_VOLUME = 20_000.0
"""Cells smaller than this, Angstrom^3, hold no macromolecule: intensity statistics of small molecules differ."""

LISTED = 8
"""Stretches of images that a check names."""


def quality_checks(p: Processing | None) -> tuple[Check, ...]:
    """All checks of the stages that were reached, in their order."""
    if p is None:
        return ()
    rules: tuple[Callable[[Processing], list[Check | None]], ...] = (
        _images, _data_sets, _spots, _symmetry, _scaling, _merging, _intensities, _doubts,
    )  # fmt: skip
    return tuple(check for rule in rules for check in rule(p) if check is not None)


def _images(p: Processing) -> list[Check | None]:
    if p.found is None:
        return []
    odd, scan = p.found.peculiar, p.experiment.scan
    faint = set() if p.scaled is None else {image for _, image in p.scaled.blank_images}
    off = set() if p.scaled is None else {image for _, image, _ in p.scaled.odd_images}
    blank = faint.union(odd.blank) - set(odd.refused)
    lost = {
        "cannot be read or are missing": p.found.n_unread - len(scan.excluded),
        "no diffraction": len(odd.refused),
        f"blank ({number_ranges(sorted(blank), LISTED)})": len(blank),
        "with intensities unlike their neighbours'": len(off - faint.union(odd.blank, odd.refused)),
    }
    return [
        checks.images(scan.n_images, lost, p.partial),
        checks.ice(odd.on_ice) if len(p.found.reflections) else None,
        None if p.integrated is None else checks.ice_rings(p.integrated.ice_rings),
    ]


def _data_sets(p: Processing) -> list[Check | None]:
    if all(row.why_aside for row in p.data_sets):  # the failure says so
        return []
    return [checks.data_sets(len(p.data_sets), {row.name: row.why_aside for row in p.data_sets if row.why_aside})]


def _doubts(p: Processing) -> list[Check | None]:
    """What the stages have said; the rest of the warnings is of the header and the images."""
    of_stages = {w: name for name, stage in results_by_stage(p).items() for w in getattr(stage, "warnings", ())}
    found = {w: p.whose[w] for w in p.warnings if w in p.whose} | of_stages
    rest = dict.fromkeys(w for w in p.warnings if w not in found)
    return [
        *checks.doubts("doubts about header and images", [("header or images", w) for w in rest]),
        *checks.doubts("doubts of the stages", [(name, w) for w, name in found.items()]),
    ]


def _spots(p: Processing) -> list[Check | None]:
    found: list[Check | None] = []
    if p.indexed is not None and len(p.indexed.reflections):
        found.append(checks.spots_indexed(p.indexed.fraction_indexed, p.indexed.n_lattices, _looked_for_another(p)))
        found.append(checks.lattices(p.indexed.n_per_lattice))
    if p.refined is not None and p.refined.experiments:
        indexed = p.indexed.fraction_indexed if p.indexed is not None else 1.0
        found.append(_geometry(p.stated or p.experiment, p.refined.experiments[0], indexed))
    together = [row.rmsd for row in p.data_sets if row.rmsd is not None]
    if together:
        found.append(checks.spot_positions(*max(together, key=max)))
    if p.refined is not None and p.refined.rmsds:
        worst = max(p.refined.rmsds, key=lambda r: max(r.x_px, r.y_px, r.z_images))
        found.append(checks.spot_positions(worst.x_px, worst.y_px, worst.z_images))
    return found


def _looked_for_another(p: Processing) -> bool:
    """One lattice more was looked for, and was not kept."""
    return any(d.what == f"look for lattice {len(p.indexed.n_per_lattice) + 1}" for d in p.decisions if p.indexed)


def _geometry(stated: Experiment, refined: Experiment, indexed: float) -> Check:
    before, after = (np.array(beam_centre_px(e.detector, e.beam)) for e in (stated, refined))
    shift = after - before if np.all(np.isfinite(after - before)) else np.zeros(2)
    distances = stated.detector[0].distance, refined.detector[0].distance
    return checks.geometry(*distances, (float(shift[0]), float(shift[1])), indexed)


def _symmetry(p: Processing) -> list[Check | None]:
    if p.symmetry is None or not p.symmetry.is_given:
        return []
    return [checks.given_space_group(symbol(p.symmetry.space_group), p.symmetry.best.likelihood)]


def _scaling(p: Processing) -> list[Check | None]:
    if p.scaled is None:
        return []
    scaled, images, of = p.scaled, p.scaled.images, strong_observations(p.scaled)
    responses, polarisation = side_by_side(
        lambda: detector_responses(scaled, of), lambda: polarisation_seen(scaled, of)
    )  # fmt: skip
    others = [
        checks.detector_response(responses),
        checks.polarisation(polarisation),
        checks.shadowed(p.scaled.n_shadowed, p.scaled.n_given),
        checks.outliers(p.scaled.n_outliers, p.scaled.n_scaled),
        None if p.damage is None else checks.damage(p.damage.drift, p.damage.b_growth),
        None if p.damage is None else checks.suffering(*suffering_of(p.damage.crystals)),
        checks.decay(
            [i.b for i in images],
            [int(i.image[0]) if len(i.image) else 0 for i in images],
            None if p.damage is None else p.damage.b_growth,
            data_set_names(p.scaled.experiments),
        ),
    ]
    disturbed_by = [check.name for check in others if check is not None and check.verdict != "good"]
    if p.indexed is not None and len(p.indexed.n_per_lattice) > 1:
        disturbed_by.append("several lattices")
    a = None if p.scaled.isa is None else p.scaled.error_model.a
    return [
        checks.convergence(p.scaled.converged, p.scaled.n_cycles),
        checks.asymptotic_signal(p.scaled.isa),
        checks.counting_errors(a, p.experiment.detector[0].gain, disturbed_by, _faintest(p.scaled)),
        *others,
    ]


def suffering_of(crystals: Sequence[CrystalDamage]) -> tuple[list[str], int]:
    """Names of the crystals that suffer, and how many there are."""
    return [one.name for one in crystals if one.suffers], len(crystals)


def _faintest(scaled: ScaleResult) -> float | None:
    """Times what counting gives that the faintest observations scatter; None where that is not known."""
    if not scaled.error_bins:
        return None
    return float(min(scaled.error_bins, key=lambda one: one.i_max).before ** 0.5)


def _merging(p: Processing) -> list[Check | None]:
    if p.scaled is None:
        return []
    statistics, scan = merged_statistics(p), p.experiment.scan
    reach = detector_reach(p)
    rotation = abs(scan.oscillation[1]) * scan.n_images
    if p.data_sets:
        rotation = sum(row.rotation for row in merged_data_sets(p))
    lost = _lost_images(p)
    cc_limit = 1.0 if p.resolution is None else p.resolution.cc_limit
    outer = None if is_cut_at_estimate(p) else checks.outer_signal(statistics.shells, cc_limit)
    found = [
        checks.any_agreement(statistics),
        checks.inner_agreement(statistics.inner),
        checks.overloads(_overloaded(p)),
        checks.coverage(statistics.overall, statistics.shells, reach.half, rotation, lost, _overloaded(p)),
        checks.inner_coverage(
            statistics.inner, statistics.overall.completeness, _overloaded(p),
            checks.completeness_inside(statistics.shells, reach.half), rotation, lost,
        ),
        checks.redundancy(statistics.overall.multiplicity),
        outer,
    ]  # fmt: skip
    if p.resolution is not None and (outer is None or outer.verdict == "good"):
        last = (p.resolution.s2[-1] ** -0.5, p.resolution.cc_half[-1]) if len(p.resolution.cc_half) else None
        found.append(
            checks.resolution_limit(statistics.overall.d_min, last, p.resolution.limited_by_data, reach.corner)
        )
    return found


def _lost_images(p: Processing) -> checks.LostImages:
    """Images that gave nothing: excluded by the user, or left out by any of the stages."""
    scan = p.experiment.scan
    numbers = set(scan.excluded)
    if p.scaled is not None:
        numbers |= {int(image) for _, image, *_ in (*p.scaled.blank_images, *p.scaled.odd_images)}
    if p.found is not None:
        numbers |= {*p.found.peculiar.blank, *p.found.peculiar.refused}
    return checks.LostImages(tuple(sorted(numbers)), scan.n_images)


def _overloaded(p: Processing) -> float:
    """Fraction of the predicted observations that have overloaded pixels."""
    return 0.0 if p.integrated is None else p.integrated.n_overloaded / max(p.integrated.n_predicted, 1)


def _intensities(p: Processing) -> list[Check | None]:
    if p.merged is None or not is_macromolecular(p.merged):
        return []
    return [checks.twinning(l_test(p.merged)), checks.pseudo_translation(highest_patterson_peak(p.merged))]


def is_macromolecular(merged: Merged) -> bool:
    """The cell is large enough for the statistics of many atoms."""
    return bool(np.isfinite(merged.cell.volume) and merged.cell.volume > MACROMOLECULAR_VOLUME)
