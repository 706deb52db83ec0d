from __future__ import annotations

import json

import numpy as np
from exported_for_tests import observations, sweeps

from autoproc.formats.export.export_params import ExportParams
from autoproc.formats.export.write_rlp_json import write_rlp_json
from autoproc.geometry.reciprocal import map_to_reciprocal_space
from autoproc.models.reflections import Reflections
from autoproc.stages.export import export

PARAMS = ExportParams(format="json")


def read(path):
    return json.loads(path.read_text(encoding="ascii"))


def test_points_of_two_sweeps(tmp_path):
    table, experiments = observations(2), sweeps(2)
    (path,) = write_rlp_json(tmp_path / "rlp.json", export(experiments, table, PARAMS, "x"), PARAMS)
    found = read(path)
    assert list(found) == ["rlp", "imageset_id", "experiment_id"]
    points = np.array(found["rlp"]).reshape(-1, 3)
    second = table["experiment_id"] == 1
    wanted = map_to_reciprocal_space(experiments[1], table[second])["rlp"]
    np.testing.assert_allclose(points[second], wanted, atol=5e-7)
    assert found["experiment_id"] == found["imageset_id"] == table["experiment_id"].tolist()


def test_spots_without_a_lattice_or_a_crystal(tmp_path):
    table = observations(2)
    spots = Reflections(
        {
            "experiment_id": np.full(len(table), -1),
            "imageset_id": table["imageset_id"],
            "panel": table["panel"],
            "flags": table["flags"],
            "xyz_obs_px": table["xyz_obs_px"],
        }
    )
    (path,) = write_rlp_json(tmp_path / "rlp.json", export(sweeps(2), spots, PARAMS, "x"), PARAMS)
    found = read(path)
    assert set(found["experiment_id"]) == {-1}
    assert np.array(found["rlp"]).any(axis=0)


def test_one_and_none(tmp_path):
    table = observations()
    for n in (1, 0):
        (path,) = write_rlp_json(tmp_path / "rlp.json", export(sweeps(), table[:n], PARAMS, "x"), PARAMS)
        assert len(read(path)["rlp"]) == 3 * n


def test_decimals(tmp_path):
    params = ExportParams(format="json", n_digits=3)
    (path,) = write_rlp_json(tmp_path / "rlp.json", export(sweeps(), observations(), params, "x"), params)
    points = np.array(read(path)["rlp"])
    np.testing.assert_array_equal(points, np.round(points, 3))
