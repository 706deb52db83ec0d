"""Files that are each on a scale of its own are not merged."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from models_for_tests import crystal, experiment, scaled

from autoproc.combining.mergeable import Origins, require_mergeable
from autoproc.combining.one_scale import ScalesDiffer, off_scale, require_one_scale
from autoproc.models.reflections import Reflections

NAMES = ("a.mtz", "b.mtz", "c.mtz")


def files(*factors, noise=0.05):
    """Experiments, and observations of the same intensities with the noise of each file, times its factor."""
    made = crystal()
    tables = []
    for n, factor in enumerate(factors):
        table = scaled(made, multiplicity=4, noise=noise, seed=0)
        rng = np.random.default_rng(10 + n)
        value = table["intensity_scale"] + np.sqrt(table["variance_scale"]) * rng.normal(size=len(table))
        table = table.replace(intensity_scale=value * factor, variance_scale=table["variance_scale"] * factor**2)
        tables.append(table.replace(experiment_id=np.full(len(table), n)))
    return [replace(experiment(made), identifier=str(n)) for n in range(len(factors))], Reflections.concatenate(tables)


@pytest.mark.parametrize(("factor", "words"), [(7.0, "times"), (1 / 7, "times"), (1.3, "1.3 times"), (0.77, "0.77")])
def test_another_scale_is_refused_with_its_factor_and_what_to_do(factor, words):
    experiments, table = files(1.0, factor)
    with pytest.raises(ScalesDiffer, match=r"b\.mtz are .* those of a\.mtz") as error:
        require_one_scale(experiments, table, (0, 1), NAMES)
    assert words in str(error.value)
    assert "run `autoproc scale` on them together" in error.value.hint


@pytest.mark.parametrize("noise", [0.05, 3.0])
@pytest.mark.parametrize("factor", [1.0, 1.06, 0.94])
def test_what_is_on_one_scale_is_taken_however_noisy(factor, noise):
    require_one_scale(*files(1.0, factor, noise=noise), (0, 1), NAMES)


def test_the_one_of_three_is_named():
    with pytest.raises(ScalesDiffer, match=r"c\.mtz are 2(\.0\d)? times those of a\.mtz and 1 more"):
        require_one_scale(*files(1.0, 1.0, 2.0), (0, 1, 2), NAMES)


def test_sweeps_of_one_file_were_scaled_together():
    require_one_scale(*files(1.0, 7.0), (0, 0), NAMES)


def test_wavelengths_are_merged_apart():
    experiments, table = files(1.0, 7.0)
    other = replace(experiments[1], beam=replace(experiments[1].beam, wavelength=1.2))
    require_one_scale([experiments[0], other], table, (0, 1), NAMES)


def test_the_door_of_such_checks_asks_for_it():
    with pytest.raises(ScalesDiffer):
        require_mergeable(*files(1.0, 7.0), is_scaled=True, origins=Origins((0, 1), NAMES))


def test_a_scale_that_varies_with_resolution_is_told_with_where():
    rng = np.random.default_rng(3)
    d = rng.uniform(0.1, 0.5, 4000) ** -1
    truth = rng.exponential(100, len(d))
    fall = np.exp(6.0 * (0.09 - 1 / d**2))
    assert re.fullmatch(r"at \d+\.\d\d to \d\.\d\d A 1\.[345]\d* times those of", off_scale(truth * fall, truth, d))
    assert off_scale(truth, truth * np.exp(rng.normal(scale=0.3, size=len(d))), d) == ""


def test_few_in_common_tell_nothing():
    assert off_scale(np.full(79, 7.0), np.ones(79), np.ones(79)) == ""
    assert off_scale(np.full(80, 7.0), np.ones(80), np.ones(80)) != ""
