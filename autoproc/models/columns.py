"""The columns that reflections may have: type, unit, meaning and their names in DIALS files.

This table and formats/ are the only places where DIALS column names appear.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Column:
    """One column: numpy dtype, number of components (1 for a scalar), unit, meaning, DIALS name."""

    dtype: type
    width: int
    unit: str
    meaning: str
    dials: str


COLUMNS: dict[str, Column] = {
    "hkl": Column(np.int32, 3, "", "Miller index; 0 0 0 where not indexed", "miller_index"),
    "experiment_id": Column(np.int32, 1, "", "index of the experiment (lattice and sweep); -1 unindexed", "id"),
    "imageset_id": Column(np.int32, 1, "", "index of the sweep of images", "imageset_id"),
    "panel": Column(np.uint64, 1, "", "detector panel", "panel"),
    "flags": Column(np.uint64, 1, "", "bits of models.reflections.Flag", "flags"),
    "bbox": Column(np.int32, 6, "px, px, frame", "x0 x1 y0 y1 z0 z1, half-open", "bbox"),
    "xyz_obs_px": Column(np.float64, 3, "px, px, frame", "observed centroid (fast, slow, frame)", "xyzobs.px.value"),
    "xyz_obs_px_variance": Column(np.float64, 3, "px2, px2, frame2", "its variance", "xyzobs.px.variance"),
    "xyz_obs_mm": Column(np.float64, 3, "mm, mm, rad", "observed centroid", "xyzobs.mm.value"),
    "xyz_obs_mm_variance": Column(np.float64, 3, "mm2, mm2, rad2", "its variance", "xyzobs.mm.variance"),
    "xyz_cal_px": Column(np.float64, 3, "px, px, frame", "calculated position", "xyzcal.px"),
    "xyz_cal_mm": Column(np.float64, 3, "mm, mm, rad", "calculated position", "xyzcal.mm"),
    "s1": Column(np.float64, 3, "1/A", "diffracted wave vector", "s1"),
    "rlp": Column(np.float64, 3, "1/A", "reciprocal lattice point at phi = 0", "rlp"),
    "entering": Column(np.bool_, 1, "", "enters the Ewald sphere", "entering"),
    "intensity_sum": Column(np.float64, 1, "photons", "summation intensity, uncorrected", "intensity.sum.value"),
    "variance_sum": Column(np.float64, 1, "photons2", "its variance", "intensity.sum.variance"),
    "intensity_prf": Column(np.float64, 1, "photons", "profile-fitted intensity", "intensity.prf.value"),
    "variance_prf": Column(np.float64, 1, "photons2", "its variance", "intensity.prf.variance"),
    "intensity_scale": Column(np.float64, 1, "", "intensity chosen by scaling, corrected for LP, QE and "
                              "partiality, before division by inverse_scale", "intensity.scale.value"),
    "variance_scale": Column(np.float64, 1, "", "its variance", "intensity.scale.variance"),
    "inverse_scale": Column(np.float64, 1, "", "scale g: merged intensity = intensity_scale / g",
                            "inverse_scale_factor"),
    "inverse_scale_variance": Column(np.float64, 1, "", "variance of g by the fit, 0 where there was none",
                                     "inverse_scale_factor_variance"),
    "background_mean": Column(np.float64, 1, "photons/px", "mean background", "background.mean"),
    "background_sum": Column(np.float64, 1, "photons", "background under the peak", "background.sum.value"),
    "background_variance": Column(np.float64, 1, "photons2", "its variance", "background.sum.variance"),
    "partiality": Column(np.float64, 1, "", "fraction of the rocking curve recorded", "partiality"),
    "lp": Column(np.float64, 1, "", "Lorentz-polarisation correction, multiplies", "lp"),
    "qe": Column(np.float64, 1, "", "sensor efficiency, divides", "qe"),
    "zeta": Column(np.float64, 1, "", "m2 . e1 (Kabsch)", "zeta"),
    "d": Column(np.float64, 1, "A", "resolution", "d"),
    "dose": Column(np.float64, 1, "", "dose that the crystal had taken, of another program, in its unit", "dose"),
    "n_background": Column(np.int32, 1, "px", "background pixels", "num_pixels.background"),
    "n_background_used": Column(np.int32, 1, "px", "background pixels used", "num_pixels.background_used"),
    "n_foreground": Column(np.int32, 1, "px", "peak pixels", "num_pixels.foreground"),
    "n_signal": Column(np.int32, 1, "px", "strong pixels of the spot", "n_signal"),
    "n_valid": Column(np.int32, 1, "px", "valid pixels of the box", "num_pixels.valid"),
    "profile_correlation": Column(np.float64, 1, "", "profile against pixels", "profile.correlation"),
    "profile_rmsd": Column(np.float64, 1, "", "profile against pixels", "profile.rmsd"),
    "shoebox": Column(np.object_, 1, "", "pixels of the spot (formats.dials.shoeboxes)", "shoebox"),
    "partial_id": Column(np.uint64, 1, "", "groups the parts of one reflection", "partial_id"),
}  # fmt: skip

WRITTEN_BY: dict[str, tuple[str, ...]] = {
    "find-spots": ("bbox", "flags", "panel", "xyz_obs_px", "xyz_obs_px_variance", "n_signal", "shoebox"),
    "index": ("hkl", "xyz_obs_mm", "xyz_obs_mm_variance", "rlp", "entering", "s1"),
    "refine": ("xyz_cal_px", "xyz_cal_mm"),
    "scale": ("intensity_scale", "variance_scale", "inverse_scale", "inverse_scale_variance"),
}
"""The step that first writes a column; the others are written by `integrate`."""

FILES = {"find-spots": "strong.refl", "index": "indexed.refl", "refine": "refined.refl",
         "integrate": "integrated.refl", "scale": "scaled.refl"}  # fmt: skip


def origin_of(column: str) -> dict[str, str]:
    """The DIALS name and meaning of a column, the step that writes it and that step's file, for messages."""
    step = next((step for step, columns in WRITTEN_BY.items() if column in columns), "integrate")
    known = COLUMNS.get(column)
    name, meaning = (column, "not known to autoproc") if known is None else (known.dials, known.meaning)
    return {"name": name, "meaning": meaning, "step": step, "step_file": FILES[step]}
