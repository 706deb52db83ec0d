"""What scaling cannot find where reflections lack it: data of other programs that do not tell images or directions."""

from __future__ import annotations

import numpy as np

from autoproc.models.reflections import Reflections
from autoproc.scaling.params import ScaleParams


def knows_images(reflections: Reflections) -> bool:
    """Whether it is known on which image each reflection was measured."""
    return "xyz_cal_px" in reflections or "xyz_obs_px" in reflections


def knows_places(reflections: Reflections) -> bool:
    """Whether it is known where on the detector each was seen."""
    name = "xyz_cal_px" if "xyz_cal_px" in reflections else "xyz_obs_px"
    return knows_images(reflections) and bool(np.isfinite(reflections[name][:, :2]).all())


def within_the_known(reflections: Reflections, params: ScaleParams) -> ScaleParams:
    """The parameters without the corrections that need what the reflections lack."""
    changed: dict[str, object] = {}
    if "s1" not in reflections:
        changed["absorption_level"] = "off"
    if not knows_places(reflections):
        changed["max_shadow_ratio"] = 0.0
    if not knows_images(reflections):
        changed |= {"decay": False, "min_image_ratio": 0.0, "max_image_deviation": 0.0}
    return params.model_copy(update=changed)


def what_is_not_found(reflections: Reflections, params: ScaleParams) -> list[str]:
    """What was asked for and cannot be corrected, a sentence each."""
    told = []
    if not knows_images(reflections):
        told.append(
            "the reflections do not tell on which images they were measured: each data set gets one scale, without "
            "decay, and blank or bad images are not found"
        )
    if "s1" not in reflections and params.absorption_level != "off":
        told.append("the reflections do not tell their directions in the crystal: absorption is not corrected")
    if knows_images(reflections) and not knows_places(reflections) and params.max_shadow_ratio > 0:
        told.append("the reflections do not tell their places on the detector: shadows are not found")
    return told
