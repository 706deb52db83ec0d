from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from damaged_for_tests import analysed, scaled
from pydantic import ValidationError
from scaled_for_tests import Recipe, synthetic
from scipy.spatial.transform import Rotation

from autoproc.errors import MissingColumn, NoReflections
from autoproc.models.experiment import ImageSet
from autoproc.models.reflections import Reflections
from autoproc.reports.damage_page import damage_facts, damage_section
from autoproc.stages.damage_analysis import (
    DamageParams,
    UnknownExposure,
    WrongDoses,
    damage_analysis,
    format_damage_analysis,
)


def test_a_good_crystal_does_not_change():
    found = analysed()
    assert abs(found.drift.sigmas) < 4
    assert found.pairs.scp[-1] == pytest.approx(found.pairs.scp[40], abs=0.1)
    assert found.b_growth == pytest.approx(0.0, abs=1.0)
    assert "do not differ" in format_damage_analysis(found)


def test_damage_is_measured_and_told():
    found = analysed(Recipe(n_observations=15000, b_end=20.0, scale_amplitude=0.0), change=0.25)
    assert found.drift.change == pytest.approx(0.25, abs=0.05)
    assert found.b_growth == pytest.approx(18.0, abs=2.0)
    text = format_damage_analysis(found)
    assert f"Intensities at the end differ from those at the start by {found.drift.change:.1%}" in text
    assert "B grows by 1" in text


def test_completeness_grows_with_dose_to_that_of_all():
    found = analysed()
    assert np.all(np.diff(found.completeness.either) >= 0)
    assert np.all(found.completeness.either >= found.completeness.both)
    assert found.completeness.either[-1] > 0.9


def test_hands_are_paired_apart_where_they_differ():
    recipe = Recipe(n_observations=15000, anomalous=0.3)
    together, apart = (analysed(recipe, anomalous=anomalous) for anomalous in (False, True))
    assert apart.pairs.n_pairs.sum() < together.pairs.n_pairs.sum()
    assert apart.pairs.rcp[-1] < 0.8 * together.pairs.rcp[-1]


def test_limits_leave_reflections_out():
    assert analysed(d_min=3.0).n_unique < 0.6 * analysed().n_unique
    assert analysed(d_min=3.0, n_shells=3).shells[-1][1] == pytest.approx(3.0, abs=0.05)


def test_dose_in_any_unit_is_the_same_analysis():
    images, doses = analysed(), analysed(dose_per_image=(0.25,))
    assert doses.axis.ends[-1] == pytest.approx(0.25 * images.axis.ends[-1])
    np.testing.assert_allclose(doses.pairs.rcp, images.pairs.rcp)
    assert "Dose" in format_damage_analysis(doses)


def test_a_dose_rate_needs_exposure_times():
    experiment, table = scaled()
    with pytest.raises(UnknownExposure, match="dose_per_image"):
        damage_analysis([experiment], table, DamageParams(dose_rate=2.0))
    timed = replace(experiment, scan=replace(experiment.scan, exposure_times=np.full(180, 0.1)))
    assert damage_analysis([timed], table, DamageParams(dose_rate=2.0)).axis.ends[-1] == pytest.approx(36.0)


@pytest.mark.parametrize(("crystals", "last"), [("auto", 180), ("one", 360), ("each", 180), ("4,4", 360), ("1,2", 180)])
def test_doses_of_several_sweeps(crystals, last):
    (one, first), (other, second) = scaled(), scaled(Recipe(n_observations=15000, seed=5), experiment_id=1)
    found = damage_analysis([one, other], Reflections.concatenate([first, second]), DamageParams(crystals=crystals))
    assert found.axis.ends[-1] == last


def test_doses_of_crystals_do_not_add_up_and_the_table_says_which():
    turn = Rotation.from_euler("xyz", [40.0, 25.0, 10.0], degrees=True).as_matrix()
    (one, first), (other, second) = scaled(), scaled(Recipe(n_observations=15000, seed=5), experiment_id=1)
    named = [replace(e, imageset=ImageSet("cbf", f"/data/xt_{n}_####.cbf")) for n, e in enumerate((one, one, other), 1)]
    named = [replace(e, crystal=replace(e.crystal, A=turn @ e.crystal.A)) for e in named]
    named[2] = replace(named[2], crystal=replace(other.crystal, A=turn @ turn @ other.crystal.A))
    third = second.replace(experiment_id=np.full(len(second), 2)).with_identifiers({})
    table = Reflections.concatenate([first.with_identifiers({}), second.with_identifiers({}), third])
    found = damage_analysis(named, table, DamageParams())
    assert [(e.name, e.crystal, round(e.last, -1)) for e in found.exposures] == [
        ("xt_1", 1, 180), ("xt_2", 1, 360), ("xt_3", 2, 180),
    ]  # fmt: skip
    text = format_damage_analysis(found)
    assert "| xt_3" in text
    assert "Doses are counted for each of 2 crystals" in text
    crystals, doses = damage_section(found).tables
    assert doses.rows[2][:2] == ["xt_3", "2"]
    assert [row[:2] for row in crystals.rows] == [["xt_1 and xt_2", "1"], ["xt_3", "2"]]
    assert "None of the 2 crystals suffers" in text
    assert "| xt_1 and xt_2" in text
    assert sum(one.n for one in found.crystals) == found.n_observations


def test_of_several_crystals_those_that_suffer_are_named():
    turn = Rotation.from_euler("xyz", [40.0, 25.0, 10.0], degrees=True).as_matrix()
    (good, first), (burnt, second) = scaled(), scaled(Recipe(n_observations=15000, seed=5), change=0.4, experiment_id=1)
    named = [replace(e, imageset=ImageSet("cbf", f"/data/xt_{n}_####.cbf")) for n, e in enumerate((good, burnt), 1)]
    named[1] = replace(named[1], crystal=replace(burnt.crystal, A=turn @ burnt.crystal.A))
    table = Reflections.concatenate([first.with_identifiers({}), second.with_identifiers({})])
    found = damage_analysis(named, table, DamageParams())
    assert [(one.name, one.suffers) for one in found.crystals] == [("xt_1", False), ("xt_2", True)]
    assert "1 of 2 crystals suffers: xt_2." in format_damage_analysis(found)
    table = damage_section(found).tables[0]
    assert "1 of 2 crystals suffers: xt_2." in table.words
    assert [row[0] for row in table.rows] == ["xt_1", "xt_2 (suffers)"]
    facts = damage_facts(found)["crystals"]
    assert [(one["sweeps"], one["suffers"]) for one in facts] == [(("xt_1",), False), (("xt_2",), True)]
    assert facts[1]["rd_growth"] > 0.1
    assert damage_facts(analysed())["crystals"] == []


def test_starting_doses_are_taken_as_they_are():
    found = analysed(starting_doses=(100.0,))
    assert found.axis.ends[-1] == 280.0
    assert found.pairs.rcp[-1] == pytest.approx(analysed().pairs.rcp[-1])


def test_lists_that_do_not_fit_are_refused():
    for params in ({"dose_per_image": (1.0, 2.0)}, {"starting_doses": (0.0, 1.0, 2.0)}, {"crystals": "1,2"}):
        with pytest.raises(WrongDoses, match=next(iter(params))):
            analysed(**params)


@pytest.mark.parametrize(
    "params",
    [
        *({"crystals": "both"}, {"crystals": "1,x"}),
        *({"dose_per_image": (dose,)} for dose in (-1.0, 0.0, 1e300, float("nan"))),
        *({"starting_doses": (-1.0,)}, {"starting_doses": (1e300,)}, {"dose_rate": 1e300}),
    ],
)
def test_impossible_parameters_are_refused(params):
    with pytest.raises(ValidationError):
        DamageParams(**params)


def test_what_is_not_scaled_is_an_error():
    experiment, table = scaled()
    with pytest.raises(MissingColumn):
        damage_analysis([experiment], synthetic(Recipe()).reflections, DamageParams())
    with pytest.raises(NoReflections):
        damage_analysis([experiment], table, DamageParams(d_max=0.5))


def test_doses_of_the_reflections_are_those_of_the_parameters():
    experiment, table = scaled()
    experiments = [experiment]
    dosed = table.replace(dose=0.3 * table["xyz_obs_px" if "xyz_obs_px" in table else "xyz_cal_px"][:, 2] + 5.0)
    own = damage_analysis(experiments, dosed, DamageParams())
    told = damage_analysis(experiments, table, DamageParams(dose_per_image=(0.3,), starting_doses=(5.0,)))
    assert (own.unit, told.unit) == ("dose", "dose")
    assert own.axis.ends[-1] == pytest.approx(told.axis.ends[-1], rel=0.03)
    assert own.drift.change == pytest.approx(told.drift.change, abs=0.01)
    given = damage_analysis(experiments, dosed, DamageParams(dose_per_image=(1.0,)))
    assert given.axis.ends[-1] == pytest.approx(experiments[0].scan.n_images, abs=1)
    unknown = damage_analysis(experiments, dosed.replace(dose=np.full(len(dosed), np.nan)), DamageParams())
    assert unknown.unit == "images"
