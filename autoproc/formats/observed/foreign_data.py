"""Reflections that other programs have measured: what their files give, as experiments and a table of reflections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from autoproc.errors import BadHeader, CorruptFile, InputError
from autoproc.geometry.reciprocal import in_mm, s1_of_spots
from autoproc.models.experiment import Experiment, ImageSet
from autoproc.models.reflections import Flag, Reflections
from autoproc.wording import counted

LARGEST_INDEX = 10_000
"""Of hkl: a cell of 3000 Angstrom to 0.3 Angstrom."""
LAST_IMAGE = 1_000_000
"""Scans have arrays with a number for each image: numbers of damaged files shall not fill the memory."""
SIGNAL = 3.0
"""Intensities over their standard uncertainties from which on they tell the size of a photon."""
PHOTON_QUANTILE = 0.98
PHOTON_LIKE = (0.2, 2.0)
"""Intensity over variance of the best measured observations: 1 where intensities are photons and counting is all their
error; a background, an error model and corrections make it less (0.3 to 1 in integrated simulated sweeps)."""
RESCALED_TO = 0.5


ASSUMED = "assumed: "
"""Before what a file does not tell, and is taken to be so."""
NO_WAVELENGTH = "the wavelength, which the file does not tell, is 1 Angstrom"
NO_GROUP = "the space group, which {file} tells, is P 1 until autoproc symmetry finds it"
WIDE_IMAGES = "images, whose rotation the file does not tell, are 1 degree wide"
CORRECTED = "intensities are corrected for the polarisation of the beam and the Lorentz factor"
AGAIN = "write it again with the program that made it, or copy it again from its source"


class DamagedFile(CorruptFile):
    """A file of another program that is not as that program writes it."""

    hint = AGAIN


class BadKeyword(BadHeader):
    """A file of another program lacks a value, or says something impossible."""

    what = "{path}: its {field} is {value}"
    hint = f"{AGAIN}; a single wrong value can be put right in it with a text editor"


class NotObservations(InputError):
    """A file of reflections that does not hold single observations."""

    what = "{path} holds {kind}"
    hint = "{instead}"


@dataclass(frozen=True, slots=True, eq=False)
class ForeignData:
    """What a file of another program holds.

    experiments : one for each sweep, with as much of the models as the file tells
    reflections : integrated (without the scales, where the file tells them), and scaled where they come so; frames
        count from the start of each scan
    program : that wrote the file, "" where it does not say; is_scaled : by that program
    remarks : what the file does not tell or is not used, a sentence each
    warnings : what contradicts itself or makes no sense, and what was done about it, a sentence each
    assumed : what the file does not tell and was taken to be so, a sentence each
    """

    experiments: tuple[Experiment, ...]
    reflections: Reflections
    program: str
    is_scaled: bool
    remarks: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """What was read, what the file does not tell or is not used, and what is assumed: for screens."""
        return [self.in_words, *self.remarks, *(f"{ASSUMED}{sentence}" for sentence in self.assumed)]

    @property
    def in_words(self) -> str:
        """What was read, in a sentence."""
        n, sweeps = len(self.reflections), len(self.experiments)
        state = "scaled" if self.is_scaled else "not scaled"
        by = f" by {self.program}" if self.program else ""
        n_left_out = n - int(np.count_nonzero(self.reflections.has_any_flag(Flag.INTEGRATED_SUM | Flag.INTEGRATED_PRF)))
        left_out = f"; {n_left_out} of them have no usable intensity, and are left out" if n_left_out else ""
        return f"{counted(n, 'observation')} of {counted(sweeps, 'sweep')}, {state}{by}{left_out}"


@dataclass(frozen=True, slots=True, eq=False)
class FileObservations:
    """Observations (N,) as a file has them.

    hkl : (N, 3); experiment : (N,) index of each one's sweep; intensity, sigma : (N,) corrected, in the file's unit
    position : (N, 3) px, px, frame from the scan's start, NaN for what is not told
    is_rejected : (N,) bool, by the program that wrote them; lp : (N,) factor that they were multiplied by, or None
    partiality : (N,) part of each that was recorded, of which the intensities are already free
    inverse_scale : (N,) scale g of each, by which the intensities were divided, or None where that is not told
    profile, profile_sigma : (N,) profile-fitted intensities, where the others are sums of pixels, or None
    """

    hkl: np.ndarray
    experiment: np.ndarray
    intensity: np.ndarray
    sigma: np.ndarray
    position: np.ndarray
    is_rejected: np.ndarray
    lp: np.ndarray | None = None
    partiality: np.ndarray | None = None
    inverse_scale: np.ndarray | None = None
    profile: np.ndarray | None = None
    profile_sigma: np.ndarray | None = None

    def of_rows(self, rows: np.ndarray) -> FileObservations:
        """The same of a mask or index array."""
        columns: dict[str, np.ndarray | None] = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return replace(self, **{name: column[rows] for name, column in columns.items() if column is not None})


def reflections_of(experiments: Sequence[Experiment], measured: FileObservations, is_scaled: bool) -> Reflections:
    """The table of reflections that stages work on.

    Integrated intensities are brought to about photons, whatever the file's unit, for scaling asks which of them are
    too weak to tell anything; scaled ones keep the file's unit.
    """
    m, n = measured, len(measured.hkl)
    partiality = np.ones(n) if m.partiality is None else np.clip(m.partiality, 1e-3, 1.0)
    lp = np.ones(n) if m.lp is None else np.where(np.isfinite(m.lp), m.lp, 0.0)
    is_rejected = m.is_rejected | ~m.hkl.any(axis=1)  # the direct beam is no reflection
    usable = m.hkl.any(axis=1) & np.isfinite(m.intensity) & (m.sigma > 0) & np.isfinite(m.sigma) & (lp > 0)
    good = usable & ~is_rejected
    g = np.ones(n) if m.inverse_scale is None else np.where(good & (m.inverse_scale > 0), m.inverse_scale, 1.0)
    finite = np.where(good, m.intensity, 0.0) * g, np.where(good, m.sigma, 0.0) * g
    lp = np.where(lp > 0, lp, 1.0)
    unit = photons_per_unit(finite[0][good] / lp[good], finite[1][good] / lp[good])
    to_photons = unit * partiality / lp
    columns = {
        "hkl": m.hkl,
        "experiment_id": m.experiment,
        "imageset_id": m.experiment,
        "panel": np.zeros(n),
        "flags": np.where(good, int(Flag.INTEGRATED_SUM | Flag.PREDICTED), 0).astype(np.uint64),
        "intensity_sum": finite[0] * to_photons,
        "variance_sum": (finite[1] * to_photons) ** 2,
        "partiality": partiality,
        "lp": lp / unit,
        "qe": np.ones(n),
    }
    if m.profile is not None and m.profile_sigma is not None:
        fits = ~is_rejected & np.isfinite(m.profile) & (m.profile_sigma > 0) & (lp > 0)
        columns["flags"] |= np.where(fits, int(Flag.INTEGRATED_PRF), 0).astype(np.uint64)
        columns["intensity_prf"] = np.where(fits, m.profile, 0.0) * unit / lp
        columns["variance_prf"] = (np.where(fits, m.profile_sigma, 0.0) * unit / lp) ** 2
    columns |= _places(experiments, m)
    table = Reflections(columns, {k: e.identifier for k, e in enumerate(experiments) if e.identifier})
    if not is_scaled:
        return table
    table = table.replace(
        intensity_scale=finite[0],
        variance_scale=finite[1] ** 2,
        inverse_scale=g,
        inverse_scale_variance=np.zeros(n),
    )
    table = table.with_flag(Flag.SCALED, good).with_flag(Flag.EXCLUDED_FOR_SCALING, ~usable)
    return table.with_flag(Flag.OUTLIER_IN_SCALING, usable & is_rejected)


def _places(experiments: Sequence[Experiment], m: FileObservations) -> dict[str, np.ndarray]:
    """Columns of where observations were seen, as far as all sweeps tell that; resolution."""
    n = len(m.hkl)
    d, s1, xyz_mm = np.zeros(n), np.zeros((n, 3)), np.full((n, 3), np.nan)
    knows_directions = True
    for number, experiment in enumerate(experiments):
        rows = np.flatnonzero(m.experiment == number)
        crystal = experiment.crystal
        assert crystal is not None
        q = m.hkl[rows] @ crystal.A.T
        d[rows] = 1 / np.maximum(np.linalg.norm(q, axis=1), 1e-12)
        knows_directions &= bool(np.isfinite(m.position[rows]).all())
        if not knows_directions:
            continue
        s1[rows] = s1_of_spots(experiment.detector, experiment.beam, np.zeros(len(rows), int), m.position[rows, :2])
        xyz_mm[rows] = in_mm(experiment, np.zeros(len(rows), int), m.position[rows])[0]
    columns: dict[str, np.ndarray] = {"d": d}
    if np.isfinite(m.position[:, 2]).all():
        columns |= {"xyz_cal_px": m.position, "xyz_obs_px": m.position}
    if knows_directions:
        columns |= {"s1": s1, "xyz_cal_mm": xyz_mm}
    return columns


def photons_per_unit(intensity: np.ndarray, sigma: np.ndarray) -> float:
    """What intensities (N,) are multiplied by to be about photons, by their standard uncertainties (N,); 1 if they are.

    By Poisson's law a variance is no less than the number of photons; the best measured come close.
    """
    strong = intensity > SIGNAL * sigma
    if not strong.any():
        return 1.0
    with np.errstate(all="ignore"):  # of damaged files
        ratio = float(np.quantile(intensity[strong] / sigma[strong] ** 2, PHOTON_QUANTILE))
    low, high = PHOTON_LIKE
    return 1.0 if low <= ratio <= high or not 0 < ratio < np.inf else ratio / RESCALED_TO


def stand_in_images(path: str | Path, number: int) -> ImageSet:
    """A name for the images of one sweep of a file that names none: programs of DIALS ask for one, and so do titles."""
    path = Path(path)
    return ImageSet("cbf", str(path.absolute().with_name(f"{path.name.partition('.')[0]}_{number}_#####.cbf")))


def require_indices(path: object, hkl: np.ndarray) -> np.ndarray:
    """Indices (N, 3) as int32. Raises DamagedFile for what can be none, or if there are none at all."""
    if not len(hkl):
        raise DamagedFile(path=path, reason="it holds no reflections")
    if not np.isfinite(hkl).all() or np.abs(hkl).max() > LARGEST_INDEX or np.any(hkl != np.rint(hkl)):
        raise DamagedFile(path=path, reason="its Miller indices are impossible")
    return np.rint(hkl).astype(np.int32)


def whole_image_range(path: object, first: float, last: float) -> tuple[int, int]:
    """A range of images as integers. Raises DamagedFile for one that no sweep has."""
    if not (-LAST_IMAGE < first <= last < LAST_IMAGE):
        raise DamagedFile(path=path, reason=f"images {first:g} to {last:g} are impossible")
    return int(first), int(last)
