"""A detector that gives two counts for a photon: as many spots, the same I/sigma, errors that cover the truth."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from frames_in_memory import FramesInMemory
from simulated import simulated_frames
from simulated_spots import pairs, strong_spots

from autoproc.models.experiment import Detector
from autoproc.simulation import SimulatedSweep
from autoproc.stages.find_spots import FindSpotsParams, find_spots
from autoproc.stages.integrate import integrate

SWEEP = {"n_images": 16, "cell": (28.0, 33.0, 38.0, 90.0, 90.0, 90.0)}
GAIN = 2.0


class AmplifiedSweep(SimulatedSweep):
    """The same photons, each of them GAIN counts."""

    def read(self, frame):
        image = super().read(frame)
        return np.where(image > 0, GAIN * image, image).astype(np.int32)

    def experiments(self):
        return tuple(told(e, GAIN) for e in super().experiments())


def told(experiment, gain):
    return replace(experiment, detector=Detector((replace(experiment.detector[0], gain=gain),)))


@cache
def sweeps():
    plain = simulated_frames(**SWEEP)
    return plain, AmplifiedSweep(*(getattr(plain, name) for name in SimulatedSweep.__slots__))


@cache
def integrated(which):
    sweep = sweeps()[which]
    return integrate(sweep.experiments(), strong_spots(sweep), sweep, n_threads=1)


@pytest.mark.parametrize("kind", ["sum", "prf"])
def test_intensities_are_twice_and_i_over_sigma_is_as_without_gain(kind):
    plain, amplified = integrated(0).reflections, integrated(1).reflections
    keys = [{tuple(k): n for n, k in enumerate(np.column_stack([t["hkl"], np.rint(t["xyz_cal_px"])]).tolist())}
            for t in (plain, amplified)]  # fmt: skip
    both = [key for key in keys[0] if key in keys[1]]
    one, two = plain[[keys[0][k] for k in both]], amplified[[keys[1][k] for k in both]]
    assert len(both) > 0.98 * len(plain)
    good = (one[f"variance_{kind}"] > 0) & (two[f"variance_{kind}"] > 0)
    one, two = one[good], two[good]
    scatter = (two[f"intensity_{kind}"] / GAIN - one[f"intensity_{kind}"]) / np.sqrt(one[f"variance_{kind}"])
    assert np.std(scatter) < 0.15
    ratio = np.sqrt(two[f"variance_{kind}"] / one[f"variance_{kind}"]) / GAIN
    assert np.median(ratio) == pytest.approx(1.0, abs=0.02)
    assert np.percentile(ratio, [2, 98]) == pytest.approx([1.0, 1.0], abs=0.12)


def test_the_errors_cover_what_differs_from_the_truth():
    sweep, rows = sweeps()[1], integrated(1).reflections
    ours, seen, theirs = pairs(sweep, rows)
    complete = (seen.partiality[theirs] > 0.98) & (rows["variance_prf"][ours] > 0)
    rows, true = rows[ours[complete]], GAIN * seen.counts[theirs[complete]]
    z = (rows["intensity_prf"] - true) / np.sqrt(rows["variance_prf"] + (0.01 * true) ** 2)
    assert 0.75 < np.mean(np.clip(z, -6, 6) ** 2) < 1.35


def test_backgrounds_are_not_biased():
    plain, amplified = (np.mean(integrated(n).reflections["background_mean"]) for n in (0, 1))
    assert amplified / GAIN == pytest.approx(plain, rel=0.02)
    assert integrated(0).untrusted.is_shadowed.sum() == pytest.approx(
        integrated(1).untrusted.is_shadowed.sum(), rel=0.05
    )


def test_as_many_spots_are_found_and_many_more_where_the_gain_is_not_told():
    plain, amplified = sweeps()
    count = {}
    for name, sweep, gain in (("plain", plain, 1.0), ("told", amplified, GAIN), ("untold", amplified, 1.0)):
        frames = np.array([sweep.read(n) for n in range(6)])
        one = told(sweep.experiments()[0], gain)
        count[name] = len(find_spots(one, FramesInMemory(frames), sweep.mask, FindSpotsParams(), 1).reflections)
    assert count["told"] == pytest.approx(count["plain"], rel=0.02)
    assert count["untold"] > 1.05 * count["plain"]
