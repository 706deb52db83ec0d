"""The reciprocal lattice of a sweep: a page, and its points; nothing of what does not belong to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from models_for_tests import crystal, experiment
from queued import finished, queue_in
from starlette.testclient import TestClient

from autoproc.dashboard.access.keys import Keys
from autoproc.dashboard.app import dashboard, keys_of
from autoproc.dashboard.file_viewer import file_viewer
from autoproc.dashboard.params import ServeParams
from autoproc.dashboard.viewers.lattice_pages import preferred_stage
from autoproc.formats.dials.expt import write_expt
from autoproc.formats.dials.refl import write_refl
from autoproc.models.reflections import Reflections
from autoproc.service.results.outputs import Outputs
from autoproc.viewing.lattice_message import columns_of_message
from autoproc.viewing.subject import subject_of_files

HOSTILE = ("", "x", "../refined", "%00", "refined%00", "__class__", "/etc/passwd", "strong' OR 1", "%F0%9F%92%A9")


def write_stage(folder: Path, stage: str, n: int = 30) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    ids = np.arange(n) % 2 - 1
    table = {
        "xyz_obs_px": rng.uniform([1, 1, 0], [480, 610, 40], (n, 3)), "panel": np.zeros(n), "flags": np.zeros(n),
        "experiment_id": ids, "imageset_id": np.zeros(n), "hkl": np.where(ids[:, None] < 0, 0, [1, 2, 3]),
    }  # fmt: skip
    write_expt(folder / f"{stage}.expt", [experiment(crystal())])
    write_refl(folder / f"{stage}.refl", Reflections(table))


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    output = tmp_path_factory.mktemp("results")
    queue = queue_in(output)
    for name in ("lyso", "odd #2?", "empty"):
        finished(queue, name)
    queue.close()
    for name in ("lyso", "odd #2?", "secret"):
        write_stage(output / name / "stages", "indexed")
        write_stage(output / name / "stages", "integrated", 20)
    return output


@pytest.fixture(scope="module")
def client(output):
    keys = keys_of(Outputs(output))
    with TestClient(dashboard(Outputs(output), ServeParams(), keys), base_url="http://127.0.0.1") as client:
        client.get("/", params={"token": keys.token})
        yield client


@pytest.mark.parametrize("name", ["lyso", "odd%20%232%3F"])
def test_a_sweep_has_its_lattice(client, name):
    page = client.get(f"/sweeps/{name}/lattice")
    assert page.status_code == 200
    assert 'data-stage="indexed"' in page.text
    assert "P43212" in page.text


def test_its_points_come_as_one_message(client):
    answer = client.get("/sweeps/lyso/lattice/points?stage=indexed")
    facts, columns = columns_of_message(answer.content)
    assert facts["n"] == len(columns["frame"]) == 30
    assert facts["n_unindexed"] == 15
    assert [lattice["n"] for lattice in facts["lattices"]] == [15]


@pytest.mark.parametrize("stage", HOSTILE)
def test_a_stage_that_there_is_not(client, stage):
    assert 'data-stage="indexed"' in client.get(f"/sweeps/lyso/lattice?stage={stage}").text
    assert client.get(f"/sweeps/lyso/lattice/points?stage={stage}").status_code == 404


@pytest.mark.parametrize("name", ["secret", "..", "../lyso", "%2e%2e", "lyso/../secret", "%2e%2e/results/lyso", "%00"])
@pytest.mark.parametrize("page", ["lattice", "lattice/points?stage=indexed"])
def test_what_is_no_sweep_of_the_queue_is_not_shown(client, name, page):
    assert client.get(f"/sweeps/{name}/{page}").status_code == 404


def test_whatever_else_is_asked_the_page_is_the_same(client):
    asked = "turn=nan,1,2&zoom=1e999&off=<script>alert(1)</script>&images=-1&beam=,&colour=javascript:"
    plain, odd = client.get("/sweeps/lyso/lattice"), client.get(f"/sweeps/lyso/lattice?{asked}")
    assert odd.status_code == 200
    assert odd.text == plain.text


def test_a_sweep_without_spots_is_said(client):
    answer = client.get("/sweeps/empty/lattice")
    assert answer.status_code == 404
    assert "no spots yet" in answer.text


def test_a_damaged_table_is_said(client, output):
    write_stage(output / "odd #2?" / "stages", "strong")
    (output / "odd #2?" / "stages" / "strong.refl").write_bytes(b"nonsense")
    answer = client.get("/sweeps/odd%20%232%3F/lattice/points?stage=strong")
    assert answer.status_code == 422
    assert "strong.refl" in answer.text


def test_strangers_see_nothing(output):
    app = dashboard(Outputs(output), ServeParams(), keys_of(Outputs(output)))
    with TestClient(app, base_url="http://127.0.0.1") as stranger:
        assert stranger.get("/sweeps/lyso/lattice").status_code == 401
        assert stranger.get("/sweeps/lyso/lattice/points?stage=indexed").status_code == 401


def test_files_that_a_user_has_named(output):
    files = [output / "lyso/stages/indexed.expt", output / "lyso/stages/indexed.refl"]
    keys = Keys("secret")
    client = TestClient(file_viewer(subject_of_files(files), ServeParams(), keys), base_url="http://127.0.0.1")
    assert client.get("/lattice", params={"token": keys.token}).status_code == 200
    facts, _ = columns_of_message(client.get("/lattice/points?stage=indexed").content)
    assert facts["n"] == 30


@pytest.mark.parametrize(
    ("there", "shown"),
    [(("strong", "indexed", "scaled"), "indexed"), (("strong", "refined", "indexed"), "refined"), (("mine",), "mine"),
     (("integrated", "scaled"), "scaled"), ((), "")],
)  # fmt: skip
def test_spots_that_are_not_indexed_are_wanted_too(there, shown):
    assert preferred_stage(dict.fromkeys(there)) == shown


def test_what_has_not_changed_is_not_sent_again(client, output):
    asked = "/sweeps/lyso/lattice/points?stage=integrated"
    known = {"if-none-match": client.get(asked).headers["etag"]}
    assert client.get(asked, headers=known).status_code == 304
    write_stage(output / "lyso" / "stages", "integrated", 21)
    answer = client.get(asked, headers=known)
    assert answer.status_code == 200
    assert columns_of_message(answer.content)[0]["n"] == 21


def test_a_table_without_models_is_said(client, output):
    finished_without = output / "empty" / "stages"
    write_stage(finished_without, "strong")
    (finished_without / "strong.expt").unlink()
    assert "strong" in client.get("/sweeps/empty/lattice/points?stage=strong").text
    (finished_without / "strong.refl").unlink()
