"""The crystals of the demonstration: three of one protein, each with its own way to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

N_IMAGES = 60
"""Of each crystal, one degree each: two probes (at 15 and 30 degrees) while it is collected."""
RATE = 2.5
"""Images a second: a crystal is collected in 24 s, in which people see images come, spots found, and a verdict."""
GROUP = "demo"
"""What the program calls them together, for their names."""
PROTEIN: Mapping[str, Any] = MappingProxyType({
    "cell": (50.2, 50.2, 38.4, 90.0, 90.0, 90.0), "space_group": "P 41 21 2", "structure_seed": 5,
    "detector": "custom", "detector_size": (300, 300), "distance": 66.0, "beam_stop": 1.5, "d_min": 2.6,
    "n_images": N_IMAGES, "width": 1.0, "mosaicity": 0.15, "divergence": 0.05, "strength": 4000.0, "absorption": 0.02,
    "observation_error": 0.02,
})  # fmt: skip
"""A small tetragonal protein on a small detector, as simulation.params has it: an image is made in some 30 ms, and a
sweep processed in some 10 s of a processor."""


@dataclass(frozen=True, slots=True)
class DemoCrystal:
    """A crystal on the simulated beamline.

    what : is the matter with it, as the people at the beamline are told; own : parameters beside those of the protein
    The seeds were chosen for their orientations: reflections along c are measured, which tell of the screw axis; what
    the first two measure is complete, and nothing is in doubt of the first.
    """

    name: str
    what: str
    own: Mapping[str, Any]


CRYSTALS = (
    DemoCrystal(f"{GROUP}_1", "a good crystal", {"seed": 23}),
    DemoCrystal(
        f"{GROUP}_2",
        "a split crystal: a second lattice, 4.7 degrees away",
        {"seed": 39, "second_lattice": (4.0, 2.0, 1.5), "second_intensity": 0.3},
    ),
    DemoCrystal(
        f"{GROUP}_3", "a crystal that the beam damages", {"seed": 32, "decay_b": 15.0, "structural_damage": 0.35}
    ),
)
