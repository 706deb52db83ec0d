"""Images that the user wants and the sweep has not are remarked; what files of the visit say is done and told."""

from __future__ import annotations

import json
import shutil

import pytest
from simulated import simulated_sweep

from autoproc.config import Config, with_command_line
from autoproc.console import Console
from autoproc.service.processing.order import Order
from autoproc.service.processing.own_images import beyond, within_range
from autoproc.service.processing.process_job import process_job
from autoproc.service.results.brief import brief


@pytest.mark.parametrize(
    ("wanted", "there", "used", "said"),
    [
        ("1,9000", (1, 160), (1, 160), ("image_range 1 to 9000 goes beyond the images, 1 to 160",)),
        ("0,20", (1, 160), (1, 20), ("image_range 0 to 20 goes beyond the images, 1 to 160",)),
        ("10,20", (1, 160), (10, 20), ()),
        ("1,160", (1, 160), (1, 160), ()),
    ],
)
def test_beyond(wanted, there, used, said):
    config = with_command_line(Config(), {"import_sweep.image_range": wanted})
    assert within_range(config, there).import_sweep.image_range == used
    assert beyond(config, there) == said


def test_nothing_is_said_where_nothing_was_asked():
    assert beyond(Config(), (1, 160)) == ()
    assert beyond(with_command_line(Config(), {"import_sweep.image_range": "1,9000"}), None) == ()


@pytest.fixture
def order(tmp_path, tmp_path_factory):
    """Images that are too few to be a sweep by what a file of their visit asks for."""
    written = simulated_sweep(tmp_path_factory, n_images=20, hot_pixels=0)
    images = tmp_path / "visit" / "images"
    shutil.copytree(written.start.parent, images)
    (tmp_path / "visit" / "autoproc.toml").write_text("[import_sweep]\nmin_images = 1000\n[scale]\nd_mn = 2\n")
    (images / "sample.json").write_text('{"spaceGroup": "P 99"}')
    work = tmp_path / "out" / ".autoproc" / "work" / "small.1"
    work.mkdir(parents=True)
    return Order(1, 1, "small", str(images / "small_#####.cbf"), None, "", work, work.with_suffix(".json"), Config(),
                 visit=str(tmp_path / "visit"))  # fmt: skip


def test_what_files_of_the_visit_say_is_done_and_told_also_where_nothing_came_of_it(order, tmp_path):
    with Console(order.folder / "autoproc.log", title="test") as console:
        summary = process_job(order, console)
    assert summary["error_stage"] == "import"
    kept = json.loads((order.folder / "summary.json").read_text())
    assert kept["told_by_visit"]["given"] == [
        {"key": "import_sweep.min_images", "value": "1000", "file": f"{tmp_path}/visit/autoproc.toml"}
    ]
    ignored = [warning for warning in kept["warnings"] if warning.startswith("ignored: ")]
    assert [one.split(": ")[1] for one in ignored] == [
        f"{tmp_path}/visit/images/sample.json",
        f"{tmp_path}/visit/autoproc.toml, line 4",
    ]
    told = " ".join((order.folder / "summary.txt").read_text().split())
    assert f"Parameters from {tmp_path}/visit/images/sample.json: none" in told
    assert f"from {tmp_path}/visit/autoproc.toml: import_sweep.min_images=1000" in told
    settings = json.loads((order.folder / "parameters.json").read_text())["settings"]
    assert settings == {"import_sweep": {"min_images": 1000}}
    assert set(brief(summary)["visit_files"]) == {
        f"{tmp_path}/visit/images/sample.json",
        f"{tmp_path}/visit/autoproc.toml",
    }
    assert f"parameters from {tmp_path}/visit/autoproc.toml" in (order.folder / "autoproc.log").read_text()
