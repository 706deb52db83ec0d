"""A file of several sweeps in the image viewer: each spot on its own images, whatever sweep is looked at."""

from __future__ import annotations

import numpy as np
import pytest
from simulated import simulated_sweep
from starlette.testclient import TestClient

from autoproc.dashboard.access.guard import Keys
from autoproc.dashboard.file_viewer import file_viewer
from autoproc.dashboard.params import ServeParams
from autoproc.formats.dials.expt import write_expt
from autoproc.formats.dials.refl import write_refl
from autoproc.formats.registry import open_reader
from autoproc.models.reflections import Flag, Reflections
from autoproc.stages.import_sweep import import_sweeps
from autoproc.viewing.subject import Subject

BOX = (10, 20, 30, 40, 4, 7)
STRONG, INDEXED = int(Flag.STRONG), int(Flag.STRONG | Flag.INDEXED)
OWN = [{0, 2}, {1, 3}]
"""Rows of each sweep: one that a lattice explains, and one that none does."""


@pytest.fixture(scope="module")
def experiments(tmp_path_factory):
    """Of one structure, in two orientations."""
    sweeps = [simulated_sweep(tmp_path_factory, n_images=12, seed=seed) for seed in (1, 2)]
    return [import_sweeps([str(sweep.start)]).experiments[0].experiment for sweep in sweeps]


@pytest.fixture(scope="module")
def client(experiments, tmp_path_factory):
    folder = tmp_path_factory.mktemp("joint")
    table = Reflections(
        {
            "experiment_id": [0, 1, -1, -1], "imageset_id": [0, 1, 0, 1], "panel": [0] * 4, "bbox": [BOX] * 4,
            "hkl": [[1, 2, 3], [1, 2, 3], [0, 0, 0], [0, 0, 0]], "flags": [INDEXED, INDEXED, STRONG, STRONG],
            "xyz_obs_px": [[15.0, 35.0, 4.999]] * 4, "intensity_sum": [100.0] * 4, "variance_sum": [100.0] * 4,
        }
    )  # fmt: skip
    write_expt(folder / "joint.expt", experiments)
    write_refl(folder / "joint.refl", table)
    subject = Subject("joint", {"joint": folder / "joint.expt"}, {"joint": folder / "joint.refl"})
    keys = Keys("secret")
    client = TestClient(file_viewer(subject, ServeParams(), keys), base_url="http://127.0.0.1")
    client.get("/", params={"token": keys.token})
    return client


@pytest.mark.parametrize("sweep", [0, 1])
def test_spots_of_no_lattice_are_on_the_images_of_their_sweep(client, sweep):
    told = client.get(f"/images/5/reflections?sweep={sweep}").json()
    assert set(told["columns"]["row"]) == OWN[sweep]


def test_lists_are_of_all_sweeps_but_for_a_part_of_the_detector(client):
    for asked in ("", "sweep=1&"):
        listed = client.get(f"/images/reflections?{asked}order=image").json()["columns"]
        assert dict(zip(listed["row"], listed["sweep"], strict=True)) == {0: 0, 1: 1, 2: 0, 3: 1}
        lost = client.get(f"/images/reflections?{asked}kind=unindexed").json()["columns"]
        assert set(lost["row"]) == {2, 3}
    there = client.get("/images/reflections?sweep=1&region=10,20,30,40").json()["columns"]
    assert set(there["row"]) == OWN[1]


@pytest.mark.parametrize("row", range(4))
@pytest.mark.parametrize("asked", [0, 1])
def test_a_reflection_comes_with_the_pixels_of_its_own_sweep(client, experiments, row, asked):
    told = client.get(f"/images/reflections/{row}?sweep={asked}").json()
    own = row % 2
    assert told["sweep"] == own
    assert told["image"] == 4 + experiments[own].scan.image_range[0]
    box = told["box"]
    z, y, x = box["first"] - experiments[own].scan.image_range[0], box["y"], box["x"]
    reader = open_reader(experiments[own])
    counts = np.array(box["counts"]).reshape(box["shape"])
    seen = reader.read(z)[y : y + counts.shape[1], x : x + counts.shape[2]]
    good = counts[0] >= 0
    assert good.mean() > 0.5
    np.testing.assert_array_equal(counts[0][good], seen[good])


def test_a_row_that_is_not_there_is_said(client):
    for row in (4, 10**8):
        answer = client.get(f"/images/reflections/{row}")
        assert answer.status_code == 404
        assert "has no reflection" in answer.json()["error"]
    assert client.get("/images/reflections/-1").status_code in (400, 404)
