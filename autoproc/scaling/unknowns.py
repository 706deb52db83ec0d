"""What scaling cannot find where reflections lack it: data of other programs that do not tell images or directions."""

from __future__ import annotations

import numpy as np

from autoproc.models.reflections import Reflections
from autoproc.scaling.absorption import n_harmonics
from autoproc.scaling.params import ScaleParams
from autoproc.scaling.solve import ABSORPTION
from autoproc.scaling.unscaled_observations import UnscaledObservations
from autoproc.wording import counted


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


def within_the_repeats(
    observations: UnscaledObservations, n_experiments: int, params: ScaleParams
) -> tuple[ScaleParams, str]:
    """The parameters without the surface of absorption where repeats are fewer than its coefficients, and why.

    A repeat is an observation of a reflection beyond its first; each bears on one number. Reckoned: restraints would
    hold what repeats do not tell, but nothing is left to judge the others by.
    """
    n_parameters = n_harmonics(ABSORPTION[params.absorption_level][0]) * n_experiments
    n_repeats = len(observations) - len(observations.groups)
    if n_repeats >= n_parameters:
        return params, ""
    why = (
        f"absorption is not corrected: {counted(len(observations), 'observation')} with "
        f"{counted(n_repeats, 'repeat')} do not tell the {n_parameters} parameters of the correction"
    )
    return params.model_copy(update={"absorption_level": "off"}), why


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
