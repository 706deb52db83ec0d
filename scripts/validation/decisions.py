"""Sweeps that need a decision, and sweeps that tempt to a wrong one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Case:
    """A small simulated sweep.

    about : the decision; what : is special about it; is_needed : the engine should gain, otherwise only not lose
    params : of simulation.small_params; config, plain : TABLE.KEY changes for both ways, and for the plain one
    """

    name: str
    about: str
    what: str
    is_needed: bool
    params: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    plain: dict[str, Any] = field(default_factory=dict)


MONOCLINIC = {"space_group": "P 1 21 1", "n_images": 90}
TETRAGONAL = {"space_group": "P 43 21 2", "cell": (45.0, 45.0, 37.0, 90.0, 90.0, 90.0), "n_images": 90}
WEAK = {"strength": 400.0, "wilson_b": 45.0}

CASES = (
    Case("beam_centre", "indexing", "header off by 22, 9 px, several spots' distances", True,
         {"beam_centre_error": (22.0, 9.0)}),
    Case("ice_spots", "indexing", "good header, 40 ice spots an image", False, {"ice_spots": 40.0}),
    Case("two_equal", "indexing", "good header, half the spots on a second lattice", False,
         {"second_lattice": (14.0, -31.0, 52.0), "second_intensity": 1.0}, {"decisions.lattices": "false"}),
    Case("second_lattice", "max_lattices", "second lattice, 70% as strong", True,
         {"second_lattice": (14.0, -31.0, 52.0), "second_intensity": 0.7}),
    Case("ice_left_over", "max_lattices", "16 ice spots an image and no second lattice", False, {"ice_spots": 16.0}),
    Case("split", "max_lattices", "crystal split by 0.4 degrees, spots overlap", False,
         {"second_lattice": (0.2, 0.3, 0.2), "second_intensity": 0.5}),
    Case("absorbing", "absorption_level", "absorption of 50% rms", True, {"absorption": 0.5, "n_images": 180}),
    Case("narrow_clear", "absorption_level", "30 degrees without absorption", False,
         {"absorption": 0.0, "n_images": 30}),
    Case("weak_clear", "absorption_level", "weak data without absorption", False, {"absorption": 0.0, **WEAK}),
    Case("weak_edge", "d_min", "weak crystal that scatters less far than the detector reaches", True,
         {"strength": 120.0, "wilson_b": 60.0, "n_images": 90}, plain={"run.resolution_cutoff": "false"}),
    Case("strong_edge", "d_min", "strong to the edge of the detector", False,
         {"wilson_b": 10.0}, plain={"run.resolution_cutoff": "false"}),
    Case("own_d_min", "d_min", "weak crystal, but the user wants 2.2 A", False,
         {"strength": 300.0, "wilson_b": 60.0, "n_images": 90}, {"scale.d_min": "2.2"}),
    Case("pseudo_222", "symmetry", "P 21, beta 90, intensities nearly of 222", True,
         {**MONOCLINIC, "pseudo_symmetry": "P 2 2 2", "pseudo_strength": 0.85, "strength": 8000.0}),
    Case("oblique_222", "symmetry", "P 21, beta 90.2, intensities nearly of 222", True,
         {**MONOCLINIC, "cell": (37.0, 43.0, 49.0, 90.0, 90.2, 90.0), "pseudo_symmetry": "P 2 2 2",
          "pseudo_strength": 0.95, "strength": 8000.0, "d_min": 1.7, "wilson_b": 30.0}),
    Case("twinned", "symmetry", "P 43, twinned by 44% along the axes of 422", True,
         {**TETRAGONAL, "space_group": "P 43", "pseudo_symmetry": "P 4 2 2", "pseudo_strength": 0.88,
          "strength": 8000.0}),
    Case("weak_anomalous", "symmetry", "P 43 21 2, weak, anomalous differences of 12%", False,
         {**TETRAGONAL, **WEAK, "anomalous": 0.12}),
    Case("damaged", "symmetry", "P 43 21 2, B grows by 15 A2, cell by 0.3%", False,
         {**TETRAGONAL, "decay_b": 15.0, "cell_drift": 0.003}),
    Case("absorbing_422", "symmetry", "P 43 21 2, absorption of 40%", False, {**TETRAGONAL, "absorption": 0.4}),
)  # fmt: skip
