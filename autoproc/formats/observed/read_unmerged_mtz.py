"""Unmerged MTZ files of POINTLESS, AIMLESS, MOSFLM, DIALS and others: observations, with what batch headers tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import gemmi
import numpy as np

from autoproc.formats.boundary import reads_file
from autoproc.formats.no_files import require_file
from autoproc.formats.observed.batch_doubts import batch_doubts, wavelengths_told
from autoproc.formats.observed.fitted_detector import with_fitted_detector
from autoproc.formats.observed.foreign_data import (
    CORRECTED,
    NO_GROUP,
    NO_WAVELENGTH,
    WIDE_IMAGES,
    DamagedFile,
    FileObservations,
    ForeignData,
    NotObservations,
    reflections_of,
    require_indices,
)
from autoproc.formats.observed.mtz_batches import BatchSweep, batch_sweeps
from autoproc.formats.observed.open_mtz import MAGIC, open_mtz
from autoproc.formats.observed.original_indices import OriginalIndices, original_indices
from autoproc.formats.observed.sound_records import SoundRecords, doubts_of_crystals, sound_records
from autoproc.formats.observed.sum_partials import Parts, summed
from autoproc.models.experiment import Experiment

INTENSITIES = (("I", "SIGI"), ("IPR", "SIGIPR"), ("IMEAN", "SIGIMEAN"), ("ISUM", "SIGISUM"))
"""Labels of intensities, of which the first pair that there is counts; others go by their types."""
PROFILE = ("IPR", "SIGIPR")
"""Labels of profile-fitted intensities beside sums of pixels."""
DOSE = "DOSE"
OF_KNOWN_MEANING = ("dials", "autoproc")
"""Programs whose LP is known to be what intensities were multiplied by, and SCALEUSED what they were divided by."""
MOST_APART = 0.1
"""Of the records whose ROT may be off their batch without a word: weak reflections are centred by DIALS (3.12) some
images away from where they were calculated, 1.2% of all more than two (real sweeps of L-cysteine)."""
FRACTION_ERROR = 0.1
"""By which a calculated part may be beyond 0 or 1: MOSFLM lets it be by a few hundredths."""
OVERHANG = 1
"""Batches before the first and behind the last of a sweep that reflections centred on its edge may have without a
header: dials.export (3.12) gives batch 121 of 120 to those whose centre is calculated a little behind the end."""


def is_mtz(start: bytes) -> bool:
    """Whether a file that starts like this is one."""
    return start.startswith(MAGIC)


@reads_file
def read_unmerged_mtz(path: str | Path) -> ForeignData:
    """Experiments and observations. Raises CorruptFile, BadHeader or NotObservations (merged data)."""
    require_file(path)
    mtz = open_mtz(path)
    labels = {column.label for column in mtz.columns}
    if not {"M/ISYM", "BATCH"} <= labels:
        raise NotObservations(
            path=path,
            kind="merged reflections, no single observations",
            instead="give the unmerged file, which has the columns M/ISYM and BATCH",
        )
    if not mtz.batches:
        raise NotObservations(
            path=path,
            kind="observations (its columns are M/ISYM and BATCH) without the batch headers that tell of their images",
            instead="write the file again with the program that made it, with its batch headers",
        )
    if not mtz.nreflections:
        raise DamagedFile(path=path, reason="it holds no reflections")
    origin = original_indices(path, mtz)
    sweeps = batch_sweeps(path, mtz)
    sound, remarks = _measured(path, mtz, origin, sweeps)
    experiments, placed, seen = _placed([sweep.experiment for sweep in sweeps], sound.measured, sweeps)
    is_scaled, program = _scaled_by(mtz)
    reflections = reflections_of(experiments, placed, is_scaled)
    if DOSE in labels and len(reflections) == len(sound.rows):  # no parts were added up
        reflections = reflections.replace(dose=column(mtz, DOSE)[sound.rows])
    return ForeignData(
        tuple(experiments), reflections, program, is_scaled, tuple(dict.fromkeys([*remarks, *seen])),
        (*batch_doubts(mtz), *doubts_of_crystals(path, experiments, placed), *origin.told, *sound.told),
        tuple(_assumed(mtz, sweeps)),
    )  # fmt: skip


POLARISATION = (
    f"{CORRECTED}; the models have 0.999 in the horizontal plane, for no MTZ file tells how the beam was polarised"
)


def _assumed(mtz: gemmi.Mtz, sweeps: Sequence[BatchSweep]) -> list[str]:
    """What the file does not tell and is taken to be so, a sentence each."""
    found = [POLARISATION]
    if not _scaled_by(mtz)[0]:
        found.append("intensities are not scaled: there is no column of scales, SCALEUSED")
    if mtz.spacegroup is None:
        found.append(NO_GROUP.format(file="no known name in the file"))
    if not any(wavelengths_told(mtz)):
        found.append(NO_WAVELENGTH)
    if not all(sweep.has_width for sweep in sweeps):
        found.append(WIDE_IMAGES)
    return found


def column(mtz: gemmi.Mtz, label: str) -> np.ndarray:
    """(N,) values of a column."""
    return np.asarray(mtz.column_with_label(label).array, float)


def _measured(
    path: str | Path, mtz: gemmi.Mtz, origin: OriginalIndices, sweeps: Sequence[BatchSweep]
) -> tuple[SoundRecords, list[str]]:
    """The observations, parts added up, that can be taken; and what is to be said of them."""
    labels = {c.label for c in mtz.columns}
    value, sigma = (column(mtz, label) for label in _intensity(path, labels, mtz))
    remarks: list[str] = []
    batch = column(mtz, "BATCH")
    number, frame = _places(path, batch, sweeps)
    n = len(batch)

    def one(label: str, default: float) -> np.ndarray:
        return column(mtz, label) if label in labels else np.full(n, default)

    rotation, middle = one("ROT", np.nan), frame.copy()
    for k, sweep in enumerate(sweeps):
        here = number == k
        frame[here] = sweep.refined_frames(rotation[here], middle[here])
    fraction = one("FRACTIONCALC", 1.0)
    odd = [*_odd_rotations(rotation, frame == middle), *_odd_fractions(fraction)]
    flags = np.nan_to_num(one("FLAG", 0.0))
    hkl = require_indices(path, np.asarray(mtz.array)[:, :3].astype(float))
    position = np.column_stack([one("XDET", np.nan), one("YDET", np.nan), frame])
    lp = one("LP", 1.0) / np.where(one("QE", 1.0) > 0, one("QE", 1.0), np.nan)
    is_known = any(name in line.lower() for line in mtz.history for name in OF_KNOWN_MEANING)
    has_profile = set(PROFILE) <= labels and not np.array_equal(value, column(mtz, PROFILE[0]))
    measured = FileObservations(
        hkl, number, value, sigma, position, (flags != 0) | origin.is_unknown,
        lp if is_known and "LP" in labels else None,
        np.clip(np.nan_to_num(fraction, nan=1.0), 0.0, 1.0),
        one("SCALEUSED", 1.0) if is_known else None,
        column(mtz, PROFILE[0]) if has_profile else None,
        column(mtz, PROFILE[1]) if has_profile else None,
    )  # fmt: skip
    if flags.any():
        remarks.append(f"{int((flags != 0).sum())} observations are flagged as bad by FLAG, and left out")
    sound = sound_records(path, measured, batch)
    sound = replace(sound, told=(*odd, *sound.told))
    is_part = origin.is_part[sound.rows]
    if not is_part.any():
        return sound, remarks
    before = len(is_part)
    whole, unfinished = summed(Parts(sound.measured, is_part, batch[sound.rows]), "FRACTIONCALC" in labels)
    remarks.append(f"{before} records were {len(whole.hkl)} observations, partly in parts that were added up")
    return replace(sound, measured=whole, told=(*sound.told, *unfinished)), remarks


def _odd_rotations(rotation: np.ndarray, is_apart: np.ndarray) -> list[str]:
    """That angles (N,) are not those of the batches, in words; is_apart : (N,) bool; empty where none is told."""
    told = np.isfinite(rotation)
    n = int((told & is_apart & (rotation != 0)).sum())
    if n <= MOST_APART * told.sum():
        return []
    return [f"{n} records have a ROT that is not on the image of their batch: the batch is taken"]


def _odd_fractions(fraction: np.ndarray) -> list[str]:
    wrong = ~((fraction >= -FRACTION_ERROR) & (fraction <= 1 + FRACTION_ERROR))
    n = int(wrong.sum())
    return [f"{n} records have a FRACTIONCALC that is no part of 1: it is taken as 0 or 1"] if n else []


def _intensity(path: str | Path, labels: set[str], mtz: gemmi.Mtz) -> tuple[str, str]:
    """The labels of intensities and of their standard uncertainties."""
    known = next((pair for pair in INTENSITIES if set(pair) <= labels), None)
    if known is not None:
        return known
    values, sigmas = ([c.label for c in mtz.columns if c.type == kind] for kind in "JQ")
    if not values or not sigmas:
        raise NotObservations(
            path=path, kind="no intensities with standard uncertainties", instead="it needs columns like I and SIGI"
        )
    return values[0], sigmas[0]


def _places(path: str | Path, batch: np.ndarray, sweeps: Sequence[BatchSweep]) -> tuple[np.ndarray, np.ndarray]:
    """The sweep (N,) of each observation, and its frame (N,), the middle of its image."""
    number, frame = np.full(len(batch), -1, np.int64), np.zeros(len(batch))
    for k, sweep in enumerate(sweeps):
        here = (batch >= sweep.first_batch) & (batch <= sweep.last_batch)
        number[here], frame[here] = k, batch[here] - sweep.first_batch + 0.5
    for k, sweep in enumerate(sweeps):
        beside = (batch >= sweep.first_batch - OVERHANG) & (batch <= sweep.last_batch + OVERHANG) & (number < 0)
        at = np.clip(batch[beside], sweep.first_batch, sweep.last_batch)
        number[beside], frame[beside] = k, at - sweep.first_batch + 0.5
    if (number < 0).any():
        raise DamagedFile(path=path, reason=f"batch {batch[number < 0][0]:g} has no header")
    return number, frame


def _placed(
    experiments: list[Experiment], measured: FileObservations, sweeps: Sequence[BatchSweep]
) -> tuple[list[Experiment], FileObservations, list[str]]:
    """Experiments with detectors, and observations with positions on those that are known."""
    position, remarks, result = measured.position.copy(), [], []
    for k, (experiment, sweep) in enumerate(zip(experiments, sweeps, strict=True)):
        rows = np.flatnonzero(measured.experiment == k)
        tried = [experiment, *sweep.others] if sweep.is_oriented else []
        fits = [with_fitted_detector(e, measured.hkl[rows], position[rows], sweep.distance) for e in tried]
        best = min((fit for fit in fits if fit is not None), key=lambda fit: fit[1], default=None)
        if best is None:
            position[rows, :2] = np.nan
            remarks.append(NO_ORIENTATION if not sweep.is_oriented else NO_DETECTOR)
        result.append(experiment if best is None else best[0])
    return result, replace(measured, position=position), remarks


NO_ORIENTATION = (
    "batch headers do not tell how the crystal was oriented: absorption, shadows of the detector and anything else "
    "that depends on directions cannot be found"
)
NO_DETECTOR = (
    "the positions on the detector (XDET, YDET) are missing, or do not fit the crystal's orientation: absorption and "
    "shadows of the detector cannot be found"
)


def _scaled_by(mtz: gemmi.Mtz) -> tuple[bool, str]:
    """Whether intensities are scaled, by the column of scales or the history, and the program that wrote the file."""
    labels = {c.label for c in mtz.columns}
    history = [line.strip() for line in mtz.history]
    words = history[0].removeprefix("From ").split(" ")[0].strip(",:") if history else ""
    return "SCALEUSED" in labels, words
