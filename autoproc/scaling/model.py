"""The scaling model of one sweep and lattice: g = c(phi) exp(B(phi) / (2 d^2)) (1 + absorption).

Beilsten-Edmands et al. (2020), Acta D76, 385, the "physical" model of DIALS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autoproc.kernels.harmonics import mean_series
from autoproc.kernels.scaling_model import log_derivatives
from autoproc.models.experiment import Experiment
from autoproc.scaling.absorption import beam_directions, n_harmonics, surface_basis
from autoproc.scaling.gaussian_smoother import GaussianSmoother, smoother_for_range, weighted_sum
from autoproc.threads import map_in_order

SPACINGS = ((5.0, 1.0, 1.5), (10.0, 2.0, 3.0), (25.0, 4.0, 5.0), (90.0, 8.0, 10.0), (np.inf, 15.0, 20.0))
"""Below a range of rotation (degrees): one scale and one decay parameter each so many degrees."""
EDGE = 0.999
"""Coordinates are shrunk by this, so that the last image lies within the last interval (as DIALS does)."""
BLOCK = 4096
LEAST_LINEAR = 0.2
"""Part of the intensity that absorption leaves, down to which the surface is linear in its coefficients, as in DIALS.
Below it goes on as an exponential of the same slope, so that no direction, seen or not, gets a factor of zero or less:
crystals that leave less of the beam are beyond the reach of the series (simulated crystals of 35 to 60%)."""


@dataclass(frozen=True, slots=True)
class ScaleCoordinates:
    """What the model depends on: frame (N,) array index, s1 (N, 3) 1/Angstrom, d (N,) Angstrom."""

    frame: np.ndarray
    s1: np.ndarray
    d: np.ndarray

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, rows: np.ndarray | slice) -> ScaleCoordinates:
        return ScaleCoordinates(self.frame[rows], self.s1[rows], self.d[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """A model's coefficients for some observations: smoother indices and weights, 1/(2 d^2), harmonics."""

    scale_index: np.ndarray
    scale_weight: np.ndarray
    decay_index: np.ndarray
    decay_weight: np.ndarray
    half_inverse_d2: np.ndarray
    basis: np.ndarray

    def __getitem__(self, rows: slice) -> Design:
        return Design(*(getattr(self, name)[rows] for name in self.__slots__))

    @classmethod
    def joined(cls, parts: Sequence[Design]) -> Design:
        """That of the observations of some parts, one after the other."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class PhysicalModel:
    """Terms and parameters (n_parameters,): scale, then decay (B, Angstrom^2), then harmonics.

    first_frame, n_frames : the frames that hold reflections; decay None or lmax 0 leave a term out
    """

    first_frame: float
    n_frames: float
    scale: GaussianSmoother
    decay: GaussianSmoother | None
    lmax: int
    parameters: np.ndarray

    @property
    def n_decay(self) -> int:
        """Number of decay parameters."""
        return 0 if self.decay is None else self.decay.n_parameters

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """Where scale, decay and absorption stand among the parameters."""
        first = self.scale.n_parameters
        second = first + self.n_decay
        return slice(0, first), slice(first, second), slice(second, second + n_harmonics(self.lmax))

    def with_parameters(self, parameters: np.ndarray) -> PhysicalModel:
        """The same model with other parameters."""
        return replace(self, parameters=parameters)

    def with_degree(self, lmax: int) -> PhysicalModel:
        """The model with a surface of another degree: coefficients that both have stay, new ones are 0."""
        surface = np.zeros(n_harmonics(lmax))
        known = self.parameters[self.slices[2]][: len(surface)]
        surface[: len(known)] = known
        kept = self.parameters[: self.slices[2].start]
        return replace(self, lmax=lmax, parameters=np.concatenate([kept, surface]))

    def coordinate(self, frame: np.ndarray, smoother: GaussianSmoother) -> np.ndarray:
        """(N,) frames in a smoother's unit, held within the range of the data."""
        inside = np.clip((frame - self.first_frame) / self.n_frames, 0.0, 1.0)
        return inside * EDGE * smoother.n_intervals

    def design(self, experiment: Experiment, at: ScaleCoordinates) -> Design:
        """Coefficients for observations, in blocks on several threads."""
        if len(at) <= BLOCK:
            return self._design(experiment, at)
        parts = (at[slice(n, n + BLOCK)] for n in range(0, len(at), BLOCK))
        return Design.joined(list(map_in_order(lambda part: self._design(experiment, part), parts)))

    def _design(self, experiment: Experiment, at: ScaleCoordinates) -> Design:
        scale_index, scale_weight = self.scale.weights(self.coordinate(at.frame, self.scale))
        decay_index, decay_weight = np.zeros((len(at), 0), np.intp), np.zeros((len(at), 0))
        if self.decay is not None:
            decay_index, decay_weight = self.decay.weights(self.coordinate(at.frame, self.decay))
        basis = np.zeros((len(at), 0)) if not self.lmax else surface_basis(experiment, at.s1, at.frame, self.lmax)
        return Design(scale_index, scale_weight, decay_index, decay_weight, 0.5 / at.d**2, basis)

    def terms(self, design: Design) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(N,) c(phi), B(phi) in Angstrom^2 and the surface, 1 + absorption where that is not small."""
        scale, decay, absorption = (self.parameters[s] for s in self.slices)
        c = weighted_sum(scale, design.scale_index, design.scale_weight)
        b = weighted_sum(decay, design.decay_index, design.decay_weight)
        return c, b, positive_surface(1.0 + design.basis @ absorption)

    def factors(self, design: Design) -> np.ndarray:
        """(N,) inverse scale g: an observation over g is on the common scale."""
        c, b, surface = self.terms(design)
        return c * np.exp(np.clip(b * design.half_inverse_d2, -50, 50)) * surface

    def log_derivatives(self, design: Design) -> np.ndarray:
        """(N, n_parameters) derivatives of ln g."""
        c, _, surface = self.terms(design)
        return log_derivatives(
            (design.scale_index, design.scale_weight, c),
            (design.decay_index, design.decay_weight, design.half_inverse_d2),
            (design.basis, np.maximum(surface, LEAST_LINEAR)),
            (self.scale.n_parameters, self.n_decay),
        )

    def factors_at(self, experiment: Experiment, at: ScaleCoordinates) -> np.ndarray:
        """(N,) inverse scale of many observations, in blocks on several threads, without keeping their harmonics."""
        parts = (at[slice(n, n + BLOCK)] for n in range(0, len(at), BLOCK))
        blocks = list(map_in_order(lambda part: self._factors_of_block(experiment, part), parts))
        return np.concatenate(blocks) if blocks else np.zeros(0)

    def relative_variances_at(self, experiment: Experiment, at: ScaleCoordinates, covariance: np.ndarray) -> np.ndarray:
        """(N,) variance of ln g of many observations, from that of the parameters (n_parameters, n_parameters)."""

        def of_block(part: ScaleCoordinates) -> np.ndarray:
            derivatives = self.log_derivatives(self._design(experiment, part))
            return np.einsum("ij,ij->i", derivatives @ covariance, derivatives)

        parts = (at[slice(n, n + BLOCK)] for n in range(0, len(at), BLOCK))
        blocks = list(map_in_order(of_block, parts))
        return np.maximum(np.concatenate(blocks), 0.0) if blocks else np.zeros(0)

    def _factors_of_block(self, experiment: Experiment, at: ScaleCoordinates) -> np.ndarray:
        c, b = self.curves(at.frame)
        relative = c * np.exp(np.clip(0.5 * b / at.d**2, -50, 50))
        if not self.lmax:
            return relative
        directions = beam_directions(experiment, at.s1, at.frame)
        return relative * positive_surface(1.0 + mean_series(*directions, self.lmax, self.parameters[self.slices[2]]))

    def curves(self, frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """c(phi) and B(phi) at frames (N,), for plots."""
        scale, decay, _ = self.slices
        c = self.scale.values(self.coordinate(frame, self.scale), self.parameters[scale])
        if self.decay is None:
            return c, np.zeros_like(c)
        return c, self.decay.values(self.coordinate(frame, self.decay), self.parameters[decay])


def positive_surface(linear: np.ndarray) -> np.ndarray:
    """(N,) the surface of absorption, > 0, of its linear form 1 + sum c Y (N,): the same from LEAST_LINEAR upwards."""
    below = np.minimum(linear, LEAST_LINEAR) / LEAST_LINEAR - 1.0
    return np.where(linear >= LEAST_LINEAR, linear, LEAST_LINEAR * np.exp(np.maximum(below, -50.0)))


def model_for(experiment: Experiment, frame: np.ndarray, decay: bool, lmax: int) -> PhysicalModel:
    """A model with all factors 1 for the observations of one experiment at frames (N,)."""
    first, last = (float(np.min(frame)), float(np.max(frame))) if len(frame) else (0.0, 1.0)
    n_frames = max(last - first, 1.0)
    width = abs(experiment.scan.oscillation[1])
    rotation = n_frames * width
    scale_spacing, decay_spacing = next((s, b) for limit, s, b in SPACINGS if rotation < limit)
    scale = smoother_for_range(rotation, scale_spacing)
    smoother = smoother_for_range(rotation, decay_spacing) if decay else None
    n_decay = smoother.n_parameters if smoother else 0
    parameters = np.concatenate([np.ones(scale.n_parameters), np.zeros(n_decay + n_harmonics(lmax))])
    return PhysicalModel(first, n_frames, scale, smoother, lmax, parameters)


def to_dials(
    model: PhysicalModel, uncertainty: np.ndarray, experiment: Experiment, extra: dict[str, Any]
) -> dict[str, Any]:
    """The model as DIALS writes it; uncertainty (n_parameters,); `extra` joins its configuration."""
    start, width = experiment.scan.oscillation
    result: dict[str, Any] = {"__id__": "physical"}
    corrections, configuration = [], {}
    names = ("scale", "decay", "absorption")
    for name, part, null in zip(names, model.slices, (1.0, 0.0, 0.0), strict=True):
        values = model.parameters[part]
        if not len(values):
            continue
        corrections.append(name)
        result[name] = {
            "n_parameters": len(values),
            "parameters": values.tolist(),
            "null_parameter_value": null,
            "est_standard_devs": uncertainty[part].tolist(),
        }
    for prefix, name, smoother in (("s", "scale", model.scale), ("d", "decay", model.decay)):
        if smoother is not None:
            configuration[f"{prefix}_norm_fac"] = EDGE * smoother.n_intervals / model.n_frames
            configuration[f"{name}_rot_interval"] = model.n_frames * width / smoother.n_intervals
    if model.lmax:
        configuration |= {"lmax": model.lmax}
    result["configuration_parameters"] = {
        "corrections": corrections,
        "valid_osc_range": [start, start + width * experiment.scan.n_images],
        "valid_image_range": list(experiment.scan.image_range),
        **configuration,
        **extra,
    }
    return result
