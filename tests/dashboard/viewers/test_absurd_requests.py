"""Absurd parameters of the spot finder, and absurd models: refused with the value and what it may be."""

from __future__ import annotations

import json
import os

import pytest
from simulated import simulated_sweep
from starlette.testclient import TestClient

from autoproc.dashboard.access.guard import Keys
from autoproc.dashboard.file_viewer import file_viewer
from autoproc.dashboard.params import ServeParams
from autoproc.formats.dials.expt import write_expt
from autoproc.stages.import_sweep import import_sweeps
from autoproc.viewing.subject import Subject

MAP = "/images/2/tiles/0/0/0?view=threshold"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    start = simulated_sweep(tmp_path_factory, n_images=30, d_min=2.8).start
    path = tmp_path_factory.mktemp("absurd") / "imported.expt"
    write_expt(path, [import_sweeps([str(start)]).experiments[0].experiment])
    return path


@pytest.fixture(scope="module")
def client(written):
    keys = Keys("secret")
    client = TestClient(
        file_viewer(Subject("lyso", {"imported": written}), ServeParams(), keys), base_url="http://127.0.0.1"
    )
    client.get("/healthz")
    client.get("/", params={"token": keys.token})
    return client


@pytest.mark.parametrize(
    ("name", "value", "limit"),
    [
        ("gain", "1e300", "1000000"), ("gain", "1e-300", "0.000001"), ("min_local", "1000000000000", "441"),
        ("global_threshold", "1e308", "2147483648"), ("n_sigma_strong", "1e99", "1000000"),
        ("n_sigma_background", "-1", "0"), ("kernel_size", "99,3", "10"), ("gain", "inf", "finite"),
    ],
)  # fmt: skip
def test_a_parameter_out_of_its_range_is_refused_with_its_value_and_limit(client, name, value, limit):
    answer = client.get(f"{MAP}&{name}={value}")
    assert answer.status_code == 400
    said = answer.json()["error"]
    assert f"find_spots.{name}" in said
    assert value in said
    assert limit in said


@pytest.mark.parametrize(
    "query",
    [
        "gain=1e6", "gain=1e-6", "min_local=441", "global_threshold=2147483648", "n_sigma_strong=1e6",
        "n_sigma_background=1e6", "n_sigma_strong=1e-300", "n_sigma_background=1e-300", "kernel_size=10,10",
        "gain=1e-6&n_sigma_background=1e6&n_sigma_strong=1e6&kernel_size=1,1",
    ],
)  # fmt: skip
@pytest.mark.parametrize("algorithm", ["dispersion", "dispersion_extended"])
def test_what_is_within_is_searched(client, query, algorithm):
    assert client.get(f"{MAP}&{query}&algorithm={algorithm}").status_code == 200


@pytest.fixture
def changed(written):
    """changed(value, *place): put a value into the models; they are put back in the end."""
    before = written.read_text()

    def change(value, *place):
        models = inner = json.loads(before)
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = value
        written.write_text(json.dumps(models))
        status = os.stat(written)
        os.utime(written, ns=(status.st_atime_ns, status.st_mtime_ns + hash(place) % 10**9))

    yield change
    written.write_text(before)


@pytest.mark.parametrize(
    ("value", "place", "words"),
    [
        (1e300, ("beam", 0, "direction", 0), "beam's direction has 1e+300"),
        (1e300, ("beam", 0, "polarization_normal", 0), "polarization_normal has 1e+300"),
        (1e300, ("detector", 0, "panels", 0, "fast_axis", 0), "detector's fast_axis has 1e+300"),
        (1e12, ("detector", 0, "panels", 0, "pedestal"), "pedestal has 1e+12, which is impossible (-1.07374e+09 to"),
        (1e12, ("goniometer", 0, "rotation_axis", 0), "axis has 1e+12"),
        (1e12, ("scan", 0, "oscillation", 0), "oscillation has 1e+12, which is impossible (-1e+06 to 1e+06)"),
        (1e12, ("scan", 0, "image_range", 1), "images 1 to 1000000000000"),
    ],
)  # fmt: skip
def test_absurd_models_are_refused_with_the_value_and_its_limits(client, changed, value, place, words):
    changed(value, *place)
    for path in ("/images/facts", "/images/2/facts", "/images/2/tiles/0/0/0", "/images/2/predictions"):
        answer = client.get(path)
        assert answer.status_code == 422, path
        assert words in answer.json()["error"]
