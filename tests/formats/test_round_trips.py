"""What is exported comes back through our own readers with all that a format can hold."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from exported_for_tests import integrated, observations, sweeps

from autoproc.formats.export.export_params import ExportParams
from autoproc.formats.export.exported import intensities
from autoproc.formats.export.writers import WRITERS
from autoproc.formats.observed.read_shelx import read_shelx
from autoproc.formats.observed.read_unmerged_mtz import read_unmerged_mtz
from autoproc.formats.observed.read_xds_ascii import read_xds_ascii
from autoproc.models.reflections import Flag
from autoproc.scaling.unscaled_observations import corrected_intensities
from autoproc.stages.export import export

READERS = {"xds_ascii": read_xds_ascii, "mtz": read_unmerged_mtz, "shelx": read_shelx}


def there_and_back(folder, form, n_sweeps=1, first_image=1):
    params = ExportParams(format=form)
    given = export(sweeps(n_sweeps, first_image=first_image), observations(n_sweeps), params, "x")
    path, *_ = WRITERS[form].write(folder / WRITERS[form].file, given, params)
    return given, READERS[form](path)


@pytest.mark.parametrize("form", READERS)
def test_intensities_and_indices(tmp_path, form):
    given, back = there_and_back(tmp_path, form)
    table = back.reflections
    value, sigma = intensities(given.observations)
    found, found_sigma = intensities(table[table["flags"] > 0])
    assert len(table) in (len(given.observations), len(given.observations) + len(given.rejected))
    order, found_order = (np.lexsort(t["hkl"].T) for t in (given.observations, table))
    if len(table) == len(value):
        np.testing.assert_array_equal(given.observations["hkl"][order], table["hkl"][found_order])
    ratio = np.sort(found_sigma / np.maximum(found, 1e-3))[len(found) // 2]
    assert ratio == pytest.approx(np.sort(sigma / value)[len(value) // 2], rel=0.2)


@pytest.mark.parametrize("form", ["xds_ascii", "mtz"])
@pytest.mark.parametrize("first_image", [1, 101])
def test_models(tmp_path, form, first_image):
    given, back = there_and_back(tmp_path, form, first_image=first_image)
    ours, theirs = given.experiments[0], back.experiments[0]
    assert theirs.beam.wavelength == pytest.approx(ours.beam.wavelength, abs=1e-5)
    np.testing.assert_allclose(theirs.crystal.cell, ours.crystal.cell, rtol=1e-4)
    assert theirs.crystal.space_group.xhm() == ours.crystal.space_group.xhm()
    assert theirs.scan.image_range == ours.scan.image_range
    np.testing.assert_allclose(theirs.scan.oscillation, ours.scan.oscillation, atol=1e-4)
    assert theirs.detector[0].distance == pytest.approx(ours.detector[0].distance, rel=1e-3)


@pytest.mark.parametrize(("form", "known"), [("xds_ascii", slice(0, 3)), ("mtz", slice(2, 3))])
def test_positions(tmp_path, form, known):
    """Of an MTZ the frame only: its columns do not say of which pixels the positions on the detector are."""
    given, back = there_and_back(tmp_path, form, first_image=101)
    every = [given.observations, given.rejected] if form == "xds_ascii" else [given.observations]
    wanted = np.vstack([table["xyz_cal_px"] for table in every])
    found = back.reflections["xyz_cal_px"]
    np.testing.assert_allclose(np.sort(found, axis=0)[:, known], np.sort(wanted, axis=0)[:, known], atol=0.01)


def test_sweeps_stay_apart(tmp_path):
    given, back = there_and_back(tmp_path, "mtz", n_sweeps=3)
    assert len(back.experiments) == 3
    counts = np.bincount(back.reflections["experiment_id"])
    np.testing.assert_array_equal(counts, np.bincount(given.observations["experiment_id"]))


@pytest.mark.parametrize("first_image", [1, 101])
@pytest.mark.parametrize("form", ["xds_ascii", "mtz"])
def test_centres_calculated_beyond_the_scan_do_not_make_it_longer(tmp_path, form, first_image):
    known, table = sweeps(first_image=first_image), observations()
    place = table["xyz_cal_px"].copy()
    place[:3, 2] = -3.6, 39.9997, 43.4  # of images 0 to 40, the second by the rounding of what is written
    path, *_ = WRITERS[form].write(
        tmp_path / WRITERS[form].file,
        export(known, table.replace(xyz_cal_px=place), ExportParams(format=form), "x"),
        ExportParams(format=form),
    )
    back = READERS[form](path)
    assert back.experiments[0].scan.image_range == known[0].scan.image_range
    assert not any("images" in words for words in back.warnings)


PARTIALITY, BY_PROFILE, SUMMED = 0.3, 5000.0, 5200.0
"""Of each reflection, the fraction that was recorded, and the whole intensity by two estimates."""


def partly_recorded():
    """Integrated observations of known intensities."""
    table = integrated(observations())
    n, lp, efficiency = len(table), 0.02, 0.8
    photons = efficiency / lp
    return table.replace(
        lp=np.full(n, lp), qe=np.full(n, efficiency), partiality=np.full(n, PARTIALITY),
        intensity_sum=np.full(n, SUMMED * photons * PARTIALITY), variance_sum=np.full(n, SUMMED * photons * PARTIALITY),
        intensity_prf=np.full(n, BY_PROFILE * photons), variance_prf=np.full(n, BY_PROFILE * photons),
    ).with_flag(Flag.INTEGRATED_PRF, np.ones(n, bool))  # fmt: skip


def written(folder, form, table):
    params = ExportParams(format=form)
    path, *_ = WRITERS[form].write(folder / WRITERS[form].file, export(sweeps(), table, params, "x"), params)
    return path


@pytest.mark.parametrize("form", ["xds_ascii", "mtz"])
def test_what_was_partly_recorded_comes_back_whole(tmp_path, form):
    given = partly_recorded()
    back = READERS[form](written(tmp_path, form, given)).reflections
    profile, summed, _, _ = corrected_intensities(back)
    estimates = [(profile, BY_PROFILE), (summed, SUMMED)] if form == "mtz" else [(summed, BY_PROFILE)]
    for found, wanted in estimates:
        np.testing.assert_allclose(found.value, wanted, rtol=1e-4)
    np.testing.assert_allclose(back["partiality"], PARTIALITY, atol=0.005)
    wanted = corrected_intensities(given)[0].variance
    np.testing.assert_allclose(np.sqrt(estimates[0][0].variance), np.sqrt(wanted[0]), rtol=1e-3)


def test_sums_of_what_was_partly_recorded_come_back_whole(tmp_path):
    given = partly_recorded().without("intensity_prf", "variance_prf")
    for form in ("xds_ascii", "mtz"):
        back = READERS[form](written(tmp_path, form, given)).reflections
        np.testing.assert_allclose(corrected_intensities(back)[1].value, SUMMED, rtol=1e-4)


def test_what_was_partly_recorded_is_whole_in_every_column(tmp_path):
    mtz = gemmi.read_mtz_file(str(written(tmp_path, "mtz", partly_recorded())))
    for label, wanted in (("I", SUMMED), ("IPR", BY_PROFILE)):
        np.testing.assert_allclose(mtz.column_with_label(label).array, wanted, rtol=1e-4)
    block = gemmi.cif.read(str(written(tmp_path, "mmcif", partly_recorded())))[0]
    whole = "_pdbx_diffrn_unmerged_refln.intensity_"
    items = {"_diffrn_refln.intensity_net": BY_PROFILE, f"{whole}meas": BY_PROFILE, f"{whole}prf": BY_PROFILE}
    for item, wanted in {**items, f"{whole}sum": SUMMED}.items():
        values = [float(value) for value in block.find_values(item)]
        assert len(values) > 100
        np.testing.assert_allclose(values, wanted, rtol=1e-4)
