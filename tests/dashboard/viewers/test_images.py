"""The image viewer's answers: tiles as the images are, and words for whatever is asked in error."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from queued import RESULT, begun, found, queue_in
from results_for_tests import results
from simulated import simulated_sweep
from starlette.testclient import TestClient

from autoproc.dashboard.access.guard import Keys
from autoproc.dashboard.access.keys import keys_of
from autoproc.dashboard.app import dashboard
from autoproc.dashboard.file_viewer import file_viewer
from autoproc.dashboard.params import ServeParams
from autoproc.dashboard.viewers import image_pages
from autoproc.formats.dials.expt import write_expt
from autoproc.formats.dials.refl import write_refl
from autoproc.formats.registry import open_reader
from autoproc.models.reflections import Flag, Reflections
from autoproc.service.job_queue.job import JobState
from autoproc.service.results.outputs import Outputs
from autoproc.stages.import_sweep import import_sweeps
from autoproc.viewing.subject import Subject, subject_of_files

BOX = (10, 20, 30, 40, 4, 7)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return simulated_sweep(tmp_path_factory, n_images=30, d_min=2.8, second_lattice=(10.0, 20.0, 15.0))


@pytest.fixture(scope="module")
def experiment(written):
    return import_sweeps([str(written.start)]).experiments[0].experiment


@pytest.fixture(scope="module")
def subject(experiment, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    table = Reflections(
        {
            "experiment_id": [-1, -1], "panel": [0, 0], "flags": [int(Flag.STRONG)] * 2, "bbox": [BOX, BOX],
            "xyz_obs_px": [[15.0, 35.0, 5.5]] * 2, "intensity_sum": [100.0, 120.0], "variance_sum": [100.0, 120.0],
        }
    )  # fmt: skip
    write_expt(folder / "strong.expt", [experiment])
    write_refl(folder / "strong.refl", table)
    return Subject("lyso", {"strong": folder / "strong.expt"}, {"strong": folder / "strong.refl"})


def client_of(subject):
    keys = Keys("secret")
    client = TestClient(file_viewer(subject, ServeParams(), keys), base_url="http://127.0.0.1")
    client.get("/healthz")
    client.get("/", params={"token": keys.token})
    return client


@pytest.fixture(scope="module")
def client(subject):
    return client_of(subject)


def test_the_page_names_its_script_which_may_be_kept(client):
    address = re.search(r'<script type="module" src="([^"]+)"', client.get("/images").text)[1]
    answer = client.get(address)
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    assert "const in_main = " in answer.text


def test_files_are_looked_at_without_what_a_visit_needs():
    heavy = ("autoproc.reports.report_html", "autoproc.dashboard.told", "scipy.optimize", "scipy.special")
    code = f"import sys, autoproc.commands.view; print([m for m in {heavy} if m in sys.modules])"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_what_the_page_asks_for_first_is_made_ahead(subject):
    app = file_viewer(subject, ServeParams(), Keys("secret"))
    image_pages.make_ahead(app.state.site)
    sweep = app.state.site.images.sweep(subject, "strong")
    kept = sweep.cache.n_bytes
    assert kept > 0
    sweep.pyramid(sweep.first)
    assert sweep.cache.n_bytes == kept


def test_nothing_is_made_ahead_of_what_is_not_there(experiment, tmp_path):
    gone = Subject("lyso", {"strong": tmp_path / "gone.expt"})
    image_pages.make_ahead(file_viewer(gone, ServeParams(), Keys("secret")).state.site)


def test_the_first_page_is_the_images(client):
    answer = client.get("/")
    assert answer.url.path == "/images"
    assert "lyso" in answer.text


def test_facts_tell_where_pixels_are(client, experiment):
    facts = client.get("/images/facts").json()
    assert facts["images"] == list(experiment.scan.image_range)
    assert facts["models"]["wavelength"] == pytest.approx(experiment.beam.wavelength)
    assert facts["levels"][0] == list(experiment.detector[0].image_size)[::-1]


def codes_in(answer, shape):
    kind = {1: np.uint8, 2: np.uint16, 4: np.uint32}[len(answer.content) // (shape[0] * shape[1])]
    return np.frombuffer(answer.content, kind).reshape(shape).astype(np.int64)


@pytest.mark.parametrize("packing", ["gzip", "identity"])
def test_a_tile_has_the_counts_of_its_image(client, experiment, packing):
    answer = client.get("/images/5/tiles/0/0/0", headers={"accept-encoding": packing})
    reader = open_reader(experiment)
    counts = reader.read(5 - experiment.scan.image_range[0])
    codes = codes_in(answer, reader.shape)
    good = reader.mask & (counts >= reader.min_trusted) & (counts < reader.max_trusted)
    assert good.mean() > 0.5
    np.testing.assert_array_equal(codes[good], counts[good] + 1)
    assert not codes[~reader.mask].any()
    assert answer.headers["cache-control"] == "private, no-cache"
    again = client.get("/images/5/tiles/0/0/0", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_stack_is_the_sum_of_its_images(client, experiment):
    reader = open_reader(experiment)
    total = sum(reader.read(frame).astype(int) for frame in (2, 3, 4))
    answer = client.get("/images/3/tiles/0/0/0?stack=3")
    codes = codes_in(answer, reader.shape)
    good = reader.mask & (total < reader.max_trusted)
    np.testing.assert_array_equal(codes[good], total[good] + 1)


def test_spots_are_on_the_images_that_they_reach(client):
    assert [client.get(f"/images/{n}/reflections").json()["n"] for n in (4, 5, 7, 8)] == [0, 2, 2, 0]
    told = client.get("/images/5/reflections").json()
    assert told["columns"]["box"][0] == list(BOX)
    assert told["fates"][told["columns"]["fate"][0]]["kind"] == "found"


def test_a_spot_comes_with_its_pixels(client, experiment):
    facts = client.get("/images/reflections/1").json()
    box = facts["box"]
    counts = np.array(box["counts"]).reshape(box["shape"])
    reader = open_reader(experiment)
    y, x = np.s_[box["y"] : box["y"] + box["shape"][1]], np.s_[box["x"] : box["x"] + box["shape"][2]]
    seen = reader.read(box["first"] - experiment.scan.image_range[0])[y, x]
    good = reader.mask[y, x]
    np.testing.assert_array_equal(counts[0][good], seen[good])


def test_lists_are_by_place(client):
    assert client.get("/images/reflections?region=10,20,30,40").json()["n"] == 2
    assert client.get("/images/reflections?region=20,30,30,40").json()["n"] == 0


def test_a_stage_without_spots_has_none(experiment, tmp_path):
    write_expt(tmp_path / "a.expt", [experiment])
    client = client_of(subject_of_files([tmp_path / "a.expt"]))
    told = client.get("/images/5/reflections").json()
    assert told["n"] == 0
    assert "no reflections" in told["words"]


def test_images_alone_are_seen(written):
    client = client_of(subject_of_files([written.start]))
    assert client.get("/images/facts").json()["images"][1] == 30


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("0/facts", 404), ("31/facts", 404), ("99999999/facts", 404), ("-1/facts", 400), ("1e3/facts", 400),
        (f"{'9' * 5000}/facts", 400), ("%00/facts", 400), ("5/tiles/9/0/0", 400), ("5/tiles/0/1/0", 400),
        ("5/tiles/0/0/-1", 400), ("5/tiles/x/0/0", 400), ("5/tiles/0/0/0?stack=0", 400),
        ("5/tiles/0/0/0?stack=1000000", 400), ("5/tiles/0/0/0?stack=nan", 400), ("facts?stage=../../etc", 404),
        ("facts?stage=%00", 404), ("facts?sweep=1", 404), ("facts?sweep=-1", 400),
        ("5/reflections?stage=nonsense", 404),
        ("reflections/2", 404), ("reflections/-1", 400), ("reflections/x", 400), ("reflections?hkl=1,2", 400),
        ("reflections?hkl=1,2,99999999", 400), ("reflections?region=0,1,2", 400), ("reflections?region=nan,1,2,3", 400),
        ("reflections?order=__class__", 400), ("5/facts?view=nonsense", 400),
        ("5/facts?view=mean&kernel_size=99,99", 400),
        ("5/tiles/0/0/0?view=threshold&n_sigma_strong=nan", 400), ("5/facts?view=mean&gain=-1", 400),
        ("5/reflections?stack=%F0%9F%92%A9", 400),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said(client, asked, status):
    answer = client.get(f"/images/{asked}")
    assert answer.status_code == status
    assert answer.json()["error"]


def test_an_image_that_is_damaged_is_said(experiment, tmp_path):
    images = replace(experiment.imageset, template=str(tmp_path / "gone_#####.cbf"))
    write_expt(tmp_path / "a.expt", [replace(experiment, imageset=images)])
    answer = client_of(subject_of_files([tmp_path / "a.expt"])).get("/images/5/facts")
    assert answer.status_code == 503
    assert "gone_" in answer.json()["error"]


@pytest.mark.parametrize(
    ("template", "status"), [(None, 200), ("/etc/shadow", 404), ("/etc/passwd", 404), ("{above}/other/x_####.cbf", 404)]
)
def test_the_models_of_a_sweep_open_its_own_images_alone(experiment, written, tmp_path, template, status):
    queue, outputs = queue_in(tmp_path), Outputs(tmp_path)
    images = experiment.imageset
    queue.add(found("lyso", path=Path(images.template)))
    queue.finish(begun(queue), JobState.processed, RESULT, {})
    queue.close()
    results(outputs, "lyso", 1, 90.0)
    stages = outputs.results("lyso") / "stages"
    stages.mkdir()
    if template is not None:  # somebody has edited the file
        images = replace(images, template=template.format(above=written.start.parent.parent))
    write_expt(stages / "scaled.expt", [replace(experiment, imageset=images)])
    keys = keys_of(outputs)
    with TestClient(dashboard(outputs, ServeParams(), keys), base_url="http://127.0.0.1") as client:
        client.get("/", params={"token": keys.token})
        for asked in ("facts", "1/facts", "1/tiles/0/0/0"):
            answer = client.get(f"/sweeps/lyso/images/{asked}")
            assert answer.status_code == status
            assert "root:" not in answer.text
