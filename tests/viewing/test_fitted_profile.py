"""The profile that is shown of a reflection is the one that it was fitted with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from processed import processed_sweep
from scipy.special import ndtr

from autoproc.formats.dials.fitted_profiles import StoredProfiles, write_profiles
from autoproc.formats.registry import open_reader
from autoproc.models.reflections import Flag
from autoproc.viewing.fitted_profile import profiles_of, shares
from autoproc.viewing.image_cache import BoundedCache
from autoproc.viewing.images import SweepOfImages
from autoproc.viewing.shoebox_view import OVERLOADED, reflection_box, reflection_facts
from autoproc.viewing.subject import Subject


@pytest.fixture(scope="module")
def integrated(tmp_path_factory):
    return processed_sweep(tmp_path_factory).integrated


@pytest.fixture(scope="module")
def sweep(integrated):
    models = tuple(integrated.experiments)
    reader = open_reader(models[0])
    members = tuple(range(len(models)))
    return SweepOfImages("demo", 0, members, models, reader, reader.mask, BoundedCache(1 << 26), "demo")


def facts_of(integrated, sweep, row, profiles):
    return reflection_facts(integrated.reflections, int(row), sweep, integrated.experiments, profiles)


def correlations(integrated, sweep, rows, profiles):
    """Of the peak's pixels with the profile that is shown: what integration writes as profile_correlation."""
    found = []
    for row in rows:
        told = facts_of(integrated, sweep, row, profiles)
        counts, fitted, peak = (
            np.array(values) for values in (told["box"]["counts"], told["fitted"], told["box"]["peak"])
        )
        good = (peak == 1) & (counts > OVERLOADED)
        found.append(np.corrcoef(counts[good], fitted[good])[0, 1])
    return np.array(found)


def lattice_of(integrated, row):
    """Its models."""
    return integrated.experiments[int(integrated.reflections["experiment_id"][row])]


def clear_rows(integrated, n=40):
    """The strongest of those whose peaks were used whole: pixels that a neighbour reaches are left out of a fit."""
    table = integrated.reflections
    is_whole = table["n_valid"] - table["n_background_used"] == table["n_foreground"]
    rows = np.flatnonzero(is_whole & ~table.has_flag(Flag.OVERLAPPED_FG))
    return rows[np.argsort(-table["intensity_prf"][rows])[:n]]


def test_its_correlation_with_the_pixels_is_that_of_integration(integrated, sweep):
    rows = clear_rows(integrated)
    shown = correlations(integrated, sweep, rows, integrated.profiles)
    off = np.abs(shown - integrated.reflections["profile_correlation"][rows])
    assert off.max() < 2e-6  # what rounding of the pixels leaves
    turned = replace(integrated.profiles, coefficients=integrated.profiles.coefficients.swapaxes(2, 3))
    off = np.abs(correlations(integrated, sweep, rows, turned) - integrated.reflections["profile_correlation"][rows])
    assert np.median(off) > 5e-5


def test_what_is_expected_adds_up_to_the_intensity_on_these_images(integrated, sweep):
    table = integrated.reflections
    row = int(clear_rows(integrated)[0])
    told = facts_of(integrated, sweep, row, integrated.profiles)
    n_pixels = np.prod(told["box"]["shape"])
    box = reflection_box(table, row, sweep, lattice_of(integrated, row))
    z, rate = box.frames.centre[0, 2], box.frames.rate[0]
    recorded = ndtr(rate * (box.z0 + len(box.counts) - z)) - ndtr(rate * (box.z0 - z))
    flux = sum(told["fitted"]) - told["background"] * n_pixels
    assert flux == pytest.approx(table["intensity_prf"][row] * recorded, rel=1e-3)


def test_nothing_is_fitted_beyond_the_box(integrated, sweep):
    table, row = integrated.reflections, int(clear_rows(integrated)[0])
    box = reflection_box(table, row, sweep, lattice_of(integrated, row))
    coefficients = integrated.profiles.of(0, table["xyz_cal_px"][row])
    found = shares(coefficients, box.frames, table["bbox"][row], (box.x0, box.y0, box.z0), box.counts.shape)
    x0, x1, y0, y1 = table["bbox"][row][:4]
    inside = np.zeros(found.shape[1:], bool)
    inside[max(y0 - box.y0, 0) : y1 - box.y0, max(x0 - box.x0, 0) : x1 - box.x0] = True
    assert (found[:, ~inside] == 0).all()
    assert (found >= 0).all()


def test_what_was_kept_is_what_was_fitted(integrated, sweep, tmp_path):
    fitted = integrated.profiles
    path = tmp_path / "profiles.npz"
    stored = StoredProfiles(fitted.regions.shape, fitted.regions.n, fitted.ends, fitted.coefficients)
    write_profiles(path, stored)
    kept = profiles_of(Subject("demo", profiles=path))
    row = clear_rows(integrated)[3]
    assert facts_of(integrated, sweep, row, kept)["fitted"] == facts_of(integrated, sweep, row, fitted)["fitted"]


def test_without_profiles_nothing_is_shown(integrated, sweep):
    assert profiles_of(Subject("demo")) is None
    row = clear_rows(integrated)[0]
    assert facts_of(integrated, sweep, row, None)["fitted"] is None
    of_no_lattice = replace(integrated.profiles, coefficients=integrated.profiles.coefficients[:, :0])
    assert facts_of(integrated, sweep, row, of_no_lattice)["fitted"] is None
