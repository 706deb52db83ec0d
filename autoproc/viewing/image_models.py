"""What a viewer needs to know of a sweep's images to work out by itself where each pixel is in reciprocal space."""

from __future__ import annotations

from typing import Any

import numpy as np

from autoproc.geometry.detector import beam_centre_px
from autoproc.geometry.ice_rings import HALF_WIDTH, ice_ring_inverse_d2
from autoproc.integration.predict import detector_d_min
from autoproc.models.experiment import Experiment
from autoproc.viewing.image_tiles import TILE, level_shapes
from autoproc.viewing.images import ONE, Stack, SweepOfImages

ICE_D_MIN = 1.2
"""Rings of ice to here, Angstrom: finer ones are never seen."""


def sweep_facts(sweep: SweepOfImages) -> dict[str, Any]:
    """Of all its images: their numbers and size, and the models with their lengths in mm."""
    one = sweep.experiment
    first, last = one.scan.image_range
    return {
        "images": [first, last],
        "excluded": list(one.scan.excluded),
        "tile": TILE,
        "levels": [list(shape) for shape in level_shapes(sweep.reader.shape)],
        "lowest": sweep.reader.min_trusted,
        "overload": sweep.reader.max_trusted,
        "trusted_fraction": np.count_nonzero(sweep.mask) / sweep.mask.size,
        "oscillation": list(one.scan.oscillation),
        "models": _models(one),
        "ice": {"inverse_d2": _list(ice_ring_inverse_d2(ICE_D_MIN)), "half_width": HALF_WIDTH},
        "lattices": [
            {"cell": list(model.crystal.cell), "space_group": model.crystal.space_group.xhm(), "experiment": member}
            for member, model in zip(sweep.members, sweep.models, strict=True)
            if model.crystal is not None
        ],
    }


def _models(one: Experiment) -> dict[str, Any]:
    panel, goniometer = one.detector[0], one.goniometer
    return {
        "origin": _list(panel.origin), "fast": _list(panel.fast_axis), "slow": _list(panel.slow_axis),
        "pixel": list(panel.pixel_size), "thickness": panel.thickness, "mu": panel.mu,
        "wavelength": one.beam.wavelength, "s0": _list(one.beam.s0),
        "axis": _list(goniometer.axis), "fixed": _list(goniometer.fixed), "setting": _list(goniometer.setting),
        "distance": panel.distance, "beam_px": list(beam_centre_px(one.detector, one.beam)),
        "d_min": detector_d_min(one), "gain": panel.gain, "detector": panel.identifier or panel.type,
    }  # fmt: skip


def image_models(sweep: SweepOfImages, number: int, stack: Stack = ONE) -> dict[str, Any]:
    """Of one image, or a stack from it on: file, how many images there are, and the setting matrix of each lattice.

    The matrices are those of the middle of the first image. Raises NoSuchImage.
    """
    frame = sweep.frame(number)
    return {
        "image": number,
        "n_images": len(sweep.frames(number, stack)),
        "version": sweep.version(number, stack),
        "file": str(sweep.reader.path(frame).name),
        "settings": [
            _list(model.crystal.A_at(np.array([frame + 0.5]))[0]) for model in sweep.models if model.crystal is not None
        ],
    }


def _list(values: np.ndarray) -> list[float]:
    return [float(value) for value in np.asarray(values).ravel()]
