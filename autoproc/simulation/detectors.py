"""Pixels, module gaps and geometry of the detectors that can be simulated, and what headers say of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from autoproc.models.experiment import Panel
from autoproc.simulation.params import SimulateParams

# Mass attenuation of silicon, cm2/g, by photon energy in keV (NIST tables of X-ray attenuation).
SILICON_KEV = (3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 40.0, 60.0, 100.0)
SILICON_CM2_G = (978.4, 452.9, 245.0, 147.0, 64.68, 33.89, 10.34, 4.464, 1.436, 0.7012, 0.3207, 0.1835)
SILICON_DENSITY = 2.33
KEV_ANGSTROM = 12.398420


@dataclass(frozen=True, slots=True)
class DetectorKind:
    """Modules of `module` pixels (fast, slow), `n` of them each way, `gap` pixels apart; pixel and sensor in mm."""

    name: str
    module: tuple[int, int]
    n: tuple[int, int]
    gap: tuple[int, int]
    pixel: float
    sensor: float

    @property
    def size(self) -> tuple[int, int]:
        """Pixels (fast, slow), with the gaps."""
        fast, slow = (n * module + (n - 1) * gap for n, module, gap in zip(self.n, self.module, self.gap, strict=True))
        return fast, slow

    @property
    def active(self) -> np.ndarray:
        """(slow, fast) bool, False in the gaps."""
        fast, slow = (
            np.arange(size) % (module + gap) < module
            for size, module, gap in zip(self.size, self.module, self.gap, strict=True)
        )
        return slow[:, None] & fast[None, :]


KINDS = {
    "pilatus100k": DetectorKind("PILATUS 100K", (487, 195), (1, 1), (7, 17), 0.172, 0.32),
    "pilatus300k": DetectorKind("PILATUS 300K", (487, 195), (1, 3), (7, 17), 0.172, 0.32),
    "pilatus2m": DetectorKind("PILATUS 2M", (487, 195), (3, 8), (7, 17), 0.172, 0.32),
    "pilatus6m": DetectorKind("PILATUS 6M", (487, 195), (5, 12), (7, 17), 0.172, 0.32),
    "eiger1m": DetectorKind("EIGER 1M", (1030, 514), (1, 2), (10, 37), 0.075, 0.45),
    "eiger4m": DetectorKind("EIGER 4M", (1030, 514), (2, 4), (10, 37), 0.075, 0.45),
    "eiger9m": DetectorKind("EIGER 9M", (1030, 514), (3, 6), (10, 37), 0.075, 0.45),
    "eiger16m": DetectorKind("EIGER 16M", (1030, 514), (4, 8), (10, 37), 0.075, 0.45),
}


def detector_kind(params: SimulateParams) -> DetectorKind:
    """The detector that the parameters name."""
    if params.detector == "custom":
        # Readers know the modules of a PILATUS and refuse other sizes; of a TIMEPIX they presume nothing.
        return DetectorKind("TIMEPIX", params.detector_size, (1, 1), (0, 0), params.pixel_size, 0.32)
    return KINDS[params.detector]


def silicon_attenuation(wavelength: float) -> float:
    """Linear attenuation of silicon, 1/mm, at a wavelength in Angstrom."""
    log_energy = np.log(KEV_ANGSTROM / wavelength)
    return float(np.exp(np.interp(log_energy, np.log(SILICON_KEV), np.log(SILICON_CM2_G)))) * SILICON_DENSITY / 10


def true_panel(params: SimulateParams) -> Panel:
    """The panel where it really is."""
    return _panel(params, _beam_centre(params), params.distance, params.detector_tilt)


def header_panel(params: SimulateParams) -> Panel:
    """The panel as the headers have it: without the tilt, with errors in beam centre and distance."""
    fast, slow = _beam_centre(params)
    centre = (fast + params.beam_centre_error[0], slow + params.beam_centre_error[1])
    return _panel(params, centre, params.distance + params.distance_error, (0.0, 0.0))


def _beam_centre(params: SimulateParams) -> tuple[float, float]:
    if params.beam_centre is not None:
        return params.beam_centre
    fast, slow = detector_kind(params).size
    return round(fast / 2 + 1.3, 2), round(0.472 * slow - 0.37, 2)


def _panel(params: SimulateParams, centre: tuple[float, float], distance: float, tilt: tuple[float, float]) -> Panel:
    """A panel whose pixel position `centre` is `distance` away along the beam, tilted about it, then swung out."""
    kind = detector_kind(params)
    swing = Rotation.from_rotvec([np.radians(params.two_theta), 0.0, 0.0])
    tilted = Rotation.from_euler("xy", tilt, degrees=True)
    fast, slow = tilted.apply(np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]))
    origin = np.array([0.0, 0.0, -distance]) - kind.pixel * (centre[0] * fast + centre[1] * slow)
    thickness = kind.sensor if params.sensor_thickness is None else params.sensor_thickness
    return Panel(
        fast_axis=swing.apply(fast),
        slow_axis=swing.apply(slow),
        origin=swing.apply(origin),
        pixel_size=(kind.pixel, kind.pixel),
        image_size=kind.size,
        trusted_range=(-1.0, float(params.saturation)),
        thickness=thickness,
        mu=silicon_attenuation(params.wavelength) if thickness > 0 else 0.0,
        material="Si" if thickness > 0 else "",
        name=kind.name,
    )
