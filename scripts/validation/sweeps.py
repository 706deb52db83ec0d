"""Simulated sweeps of every kind, to process and to compare with their truth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PILATUS_2M = {"detector": "pilatus2m", "distance": 260.0, "n_images": 180, "width": 0.25, "mosaicity": 0.06}
SMALL_MOLECULE = {"wavelength": 0.6889, "distance": 45.0, "d_min": 0.85, "wilson_b": 2.0, "anomalous": 0.01}


@dataclass(frozen=True, slots=True)
class Sweep:
    """params : of `autoproc simulate sweep`; run : key=value for `autoproc run`; what : why it is here."""

    name: str
    what: str
    params: dict[str, Any] = field(default_factory=dict)
    image_format: str = "minicbf"
    run: tuple[str, ...] = ()


def crystal(space_group: str, *cell: float, **more: Any) -> dict[str, Any]:
    """Parameters of a sweep of this crystal."""
    return {"space_group": space_group, "cell": cell, **more}


SWEEPS = (
    # Lattices and space groups
    Sweep("p1", "triclinic", crystal("P 1", 32.1, 41.3, 52.2, 85.2, 97.4, 103.1, n_images=360)),
    Sweep("p21", "monoclinic, primitive", crystal("P 1 21 1", 45.2, 62.4, 71.1, 90, 104.3, 90, n_images=240), "nxmx"),
    Sweep("p21_like_p222", "beta 90.05, Laue group 2/m", crystal(
        "P 1 21 1", 45.2, 62.4, 71.1, 90, 90.05, 90, n_images=240)),
    Sweep("p212121", "orthorhombic", crystal("P 21 21 21", 52.3, 61.2, 88.4, 90, 90, 90, n_images=200)),
    Sweep("c2", "centred, oblique", crystal("C 1 2 1", 130.2, 46.3, 62.1, 90, 118.2, 90, n_images=240)),
    Sweep("i222", "centred orthorhombic", crystal("I 2 2 2", 64.2, 83.1, 91.7, 90, 90, 90)),
    Sweep("p43", "4/m, could be taken for 4/mmm", crystal("P 43", 61.3, 61.3, 88.2, 90, 90, 90, n_images=200)),
    Sweep("p3121", "trigonal, -3m1 or -31m", crystal("P 31 2 1", 71.4, 71.4, 92.3, 90, 90, 120)),
    Sweep("p31", "trigonal, -3 in a 6/mmm lattice", crystal("P 31", 62.4, 62.4, 71.3, 90, 90, 120, n_images=240)),
    Sweep("h32", "rhombohedral, 75 um pixels", crystal(
        "H 3 2", 81.2, 81.2, 161.3, 90, 90, 120, detector="eiger1m", distance=110.0, d_min=2.4), "nxmx"),
    Sweep("p6522_long", "200 A axis, Pilatus 2M", crystal(
        "P 65 2 2", 92.3, 92.3, 203.1, 90, 90, 120, d_min=2.4, strength=6000.0, **PILATUS_2M)),
    Sweep("i23", "cubic, m-3 in an m-3m lattice", crystal("I 2 3", 98.3, 98.3, 98.3, 90, 90, 90)),
    Sweep("f432", "cubic, face centred", crystal(
        "F 4 3 2", 152.0, 152.0, 152.0, 90, 90, 90, distance=110.0, d_min=2.3)),
    Sweep("small_molecule", "small cell, 0.85 A", crystal(
        "P 1 21 1", 7.42, 12.31, 9.87, 90, 98.7, 90, n_images=720, **SMALL_MOLECULE), "nxmx"),
    # Data
    Sweep("weak", "40 times weaker than usual", {"strength": 60.0, "n_images": 360}),
    Sweep("strong_overloads", "40 times stronger, overloads", {"strength": 1e5, "saturation": 20000, "d_min": 1.6}),
    Sweep("mosaic", "mosaicity 0.5 degree", {"mosaicity": 0.5, "strength": 6000.0}),
    Sweep("fine", "images of 0.1 degree", {"n_images": 600, "width": 0.1, "strength": 2500.0}),
    Sweep("wide", "images of 1 degree", {"n_images": 120, "width": 1.0}),
    Sweep("few_images", "12 degrees in all", {"n_images": 24}),
    Sweep("full_turn", "360 degrees in wide images", {"n_images": 480, "width": 0.75}),
    # What goes wrong
    Sweep("beam_centre", "header off by 5, -4 px", {"beam_centre_error": (5.0, -4.0)}),
    Sweep("beam_centre_10", "header off by -9, 11 px", {"beam_centre_error": (-9.0, 11.0)}),
    Sweep("distance", "header off by 2 mm", {"distance_error": 2.0}),
    Sweep("tilted", "detector tilted 0.5, -0.4 degree", {"detector_tilt": (0.5, -0.4)}),
    Sweep("two_theta", "detector at 2theta 25", {"two_theta": 25.0}, "nxmx"),
    Sweep("vertical_axis", "rotation about -Y", {"rotation_axis": (0.0, -1.0, 0.0)}, "nxmx"),
    Sweep("absorbing", "absorption 0.4, anomalous 0.08", {"absorption": 0.4, "anomalous": 0.08, "n_images": 360}),
    Sweep("damaged", "B grows by 15, cell by 0.5%", {"decay_b": 15.0, "cell_drift": 0.005, "n_images": 240}),
    Sweep("wobbling", "orientation moves by 0.4 degree", {"wobble": 0.4, "flicker": 0.05}),
    Sweep("icy", "ice rings and ice spots", {"ice": 8.0, "ice_spots": 15.0}),
    Sweep("blank_frames", "8 + 15 images without beam", {"blank_images": ((1, 8), (70, 84))}),
    Sweep("second_10", "second lattice at 10%", {"second_lattice": (14.0, -31.0, 52.0), "second_intensity": 0.1}),
    Sweep("second_40", "second lattice at 40%", {"second_lattice": (14.0, -31.0, 52.0), "second_intensity": 0.4}),
    Sweep("second_40_two", "the same with max_lattices=2", {
        "second_lattice": (14.0, -31.0, 52.0), "second_intensity": 0.4}, run=("index.max_lattices=2",)),
    Sweep("second_near", "second lattice 2 degrees away", {
        "second_lattice": (1.2, 0.9, -1.3), "second_intensity": 0.3}),
)  # fmt: skip


def arguments(sweep: Sweep) -> list[str]:
    """For `autoproc simulate sweep`: key=value, each sweep with a seed of its own."""
    seed = sum(map(ord, sweep.name))
    values = {"seed": seed, **sweep.params}
    return [f"{key}={_plain(value)}" for key, value in values.items()]


def _plain(value: Any) -> str:
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):
        return ";".join(map(_plain, value))
    if isinstance(value, tuple):
        return ",".join(str(x) for x in value)
    return str(value)
