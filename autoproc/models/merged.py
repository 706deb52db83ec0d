"""Merged intensities and amplitudes."""

from __future__ import annotations

from dataclasses import dataclass

import gemmi
import numpy as np

from autoproc.models.left_out import LeftOut


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Merged:
    """One row for each unique reflection, in the reciprocal asymmetric unit, sorted.

    hkl : (N, 3) int32; cell, space_group, wavelength (Angstrom) as merged
    intensity, sigma : (N,) over both Friedel mates; intensity_plus ... sigma_minus: of each, NaN
        where it was not measured; n, n_plus, n_minus: numbers of observations
    amplitude, sigma_amplitude, ..._plus, ..._minus : French-Wilson amplitudes, NaN where rejected
    halves : (4, N) intensity and sigma of one random half of the observations, then of the other, NaN where there is
        only one observation; None where they were not kept
    is_centric : (N,) bool; free_r : (N,) int32, 0 is the test set
    wilson_b : Angstrom^2, NaN where it could not be estimated
    delta_b : largest difference of B between two directions, Angstrom^2, with its standard uncertainty; NaN likewise
    remark : what was done to the intensities beside merging them, a sentence
    free_r_origin : where the flags are from, if not made here, in words
    doubts : a warning for each data set that does not seem to belong to the others, and of doubtful free-R flags
    left_out : why observations that were given are not in it
    """

    hkl: np.ndarray
    cell: gemmi.UnitCell
    space_group: gemmi.SpaceGroup
    wavelength: float
    intensity: np.ndarray
    sigma: np.ndarray
    intensity_plus: np.ndarray
    sigma_plus: np.ndarray
    intensity_minus: np.ndarray
    sigma_minus: np.ndarray
    n: np.ndarray
    n_plus: np.ndarray
    n_minus: np.ndarray
    amplitude: np.ndarray
    sigma_amplitude: np.ndarray
    amplitude_plus: np.ndarray
    sigma_amplitude_plus: np.ndarray
    amplitude_minus: np.ndarray
    sigma_amplitude_minus: np.ndarray
    is_centric: np.ndarray
    free_r: np.ndarray
    wilson_b: float
    delta_b: float = float("nan")
    delta_b_uncertainty: float = float("nan")
    halves: np.ndarray | None = None
    remark: str = ""
    free_r_origin: str = ""
    doubts: tuple[str, ...] = ()
    left_out: LeftOut = ()

    def __len__(self) -> int:
        return len(self.hkl)

    @property
    def d(self) -> np.ndarray:
        """(N,) resolution, Angstrom."""
        return self.cell.calculate_d_array(self.hkl)
