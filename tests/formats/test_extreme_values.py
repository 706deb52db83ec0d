"""Values as far apart as numbers may be, none, and one: what is written is read as it was, or refused in words."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
from exported_for_tests import integrated, observations, sweeps
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoproc.errors import NoCrystal, NoReflections
from autoproc.formats.export.export_params import ExportParams
from autoproc.formats.export.exported import NeedsScaledData, intensities
from autoproc.formats.export.writers import WRITERS
from autoproc.models.reflections import Reflections
from autoproc.stages.export import export

FORMS = [form for form in WRITERS if WRITERS[form].of != "models"]
OF_OBSERVATIONS = [form for form in FORMS if WRITERS[form].of != "spots"]
TABLE = observations(d_min=12.0)
value = st.floats(-1e9, 1e9).filter(lambda x: x == 0 or abs(x) > 1e-9)


def with_values(values):
    """A few observations, one for each value and sigma."""
    table = TABLE[np.flatnonzero(TABLE["flags"] == TABLE["flags"][0])[: len(values)]]
    intensity, sigma = np.array(values, float).T
    return table.replace(intensity_scale=2 * intensity, variance_scale=4 * sigma**2)


@pytest.mark.parametrize("form", ["xds_ascii", "mmcif"])
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.tuples(value, st.floats(1e-9, 1e9)), min_size=1, max_size=12))
def test_every_value_is_read_back(tmp_path, form, values):
    params = ExportParams(format=form)
    given_ = export(sweeps(), with_values(values), params, "x")
    (path,) = WRITERS[form].write(tmp_path / WRITERS[form].file, given_, params)
    wanted, wanted_sigma = intensities(given_.observations)
    if form == "xds_ascii":
        read = gemmi.read_xds_ascii(str(path))
        found, sigma = read.iobs_array, read.sigma_array
    else:
        loop = [gemmi.cif.read(str(path))[-1].find_loop(f"_diffrn_refln.intensity_{n}") for n in ("net", "sigma")]
        found, sigma = (np.array([float(v) for v in column]) for column in loop)
    np.testing.assert_allclose(np.sort(found), np.sort(wanted), rtol=1e-5)
    np.testing.assert_allclose(np.sort(sigma), np.sort(wanted_sigma), rtol=1e-3)


@pytest.mark.parametrize("form", OF_OBSERVATIONS)
def test_one_observation(tmp_path, form):
    params = ExportParams(format=form)
    given_ = export(sweeps(), with_values([(-3.0, 1.0)]), params, "x")
    paths = WRITERS[form].write(tmp_path / WRITERS[form].file, given_, params)
    assert all(path.stat().st_size > 0 for path in paths)


@pytest.mark.parametrize("form", OF_OBSERVATIONS)
def test_no_observations_are_told(form):
    with pytest.raises(NoReflections, match="export"):
        export(sweeps(), TABLE[:0], ExportParams(format=form), "x")
    with pytest.raises(NoReflections, match="export"):
        export(sweeps(), TABLE, ExportParams(format=form, d_min=1000.0), "x")


def test_what_is_no_number_is_left_out():
    broken = TABLE.replace(intensity_scale=np.where(np.arange(len(TABLE)) < 5, np.nan, TABLE["intensity_scale"]))
    given_ = export(sweeps(), broken, ExportParams(format="shelx"), "x")
    assert np.isfinite(intensities(given_.observations)[0]).all()
    assert len(given_.observations) < len(export(sweeps(), TABLE, ExportParams(format="shelx"), "x").observations)


@pytest.mark.parametrize("form", ["shelx", "sca"])
def test_formats_of_scaled_data_refuse_others(form):
    with pytest.raises(NeedsScaledData, match=f"format={form} holds scaled data") as caught:
        export(sweeps(), integrated(TABLE), ExportParams(format=form), "x")
    assert "autoproc scale" in caught.value.advice


@pytest.mark.parametrize("form", OF_OBSERVATIONS)
def test_experiments_without_crystals_are_told(form):
    with pytest.raises(NoCrystal):
        export([replace(sweeps()[0], crystal=None)], TABLE, ExportParams(format=form), "x")


def test_limits_of_resolution():
    given_ = export(sweeps(), observations(), ExportParams(format="mmcif", d_min=8.0), "x")
    assert given_.merged.d.min() >= 8.0
    assert len(given_.every) < len(observations())


def test_spots_without_indices_by_their_resolution():
    spots = Reflections({"experiment_id": np.full(3, -1), "d": np.array([2.0, 3.0, 4.0])})
    given_ = export([replace(sweeps()[0], crystal=None)], spots, ExportParams(format="json", d_min=2.5), "x")
    assert len(given_.every) == 2
