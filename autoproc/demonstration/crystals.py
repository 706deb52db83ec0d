"""The crystals of the demonstration: three of one protein, each with its own way to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from autoproc.simulation.params import SimulateParams

N_IMAGES = 72
"""Of each crystal, one degree each: three probes (at 15, 30 and 60 degrees) while it is collected."""
RATE = 4.0
"""Images a second: a crystal is collected in 18 s, so that the first is processed before the third has come."""
GROUP = "demo"


@dataclass(frozen=True, slots=True)
class DemoCrystal:
    """A crystal on the simulated beamline. what : is the matter with it, as the people at the beamline are told."""

    name: str
    what: str
    params: SimulateParams


def _params(seed: int, **overrides: Any) -> SimulateParams:
    """A small tetragonal protein on a small detector: an image is made in some 30 ms, a sweep processed in seconds.

    The orientations were chosen so that the reflections along c are measured, which tell of the screw axis, and so
    that no crystal covers the whole asymmetric unit by itself, but all together do.
    """
    crystal: dict[str, Any] = {
        "cell": (50.2, 50.2, 38.4, 90.0, 90.0, 90.0), "space_group": "P 41 21 2", "structure_seed": 5, "seed": seed,
        "detector": "custom", "distance": 50.0, "beam_stop": 1.5, "d_min": 2.3, "n_images": N_IMAGES, "width": 1.0,
        "exposure_time": 1 / RATE, "mosaicity": 0.15, "divergence": 0.05, "strength": 4000.0, "absorption": 0.02,
        "observation_error": 0.02,
    }  # fmt: skip
    return SimulateParams(**(crystal | overrides))


CRYSTALS = (
    DemoCrystal(f"{GROUP}_1", "a good crystal", _params(28)),
    DemoCrystal(
        f"{GROUP}_2",
        "a split crystal: a second lattice, 4.7 degrees away",
        _params(39, second_lattice=(4.0, 2.0, 1.5), second_intensity=0.3),
    ),
    DemoCrystal(
        f"{GROUP}_3",
        "a crystal that the beam damages",
        _params(32, decay_b=12.0, structural_damage=0.25),
    ),
)
