"""Images that are links into another visit are shown to those alone who may read that visit too."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
from pathlib import Path

import numpy as np
import pytest
from asked import ask, running
from cbf_files import write_image
from nexus_files import SIZE, write_master
from queued import RESULT, begun, found, queue_in
from results_for_tests import results

from autoproc.dashboard.access import rights
from autoproc.dashboard.access.image_links import folders_of_all, folders_of_ends
from autoproc.dashboard.access.keys import Keys
from autoproc.dashboard.access.rights import Folder
from autoproc.dashboard.app import dashboard
from autoproc.dashboard.params import ServeParams
from autoproc.formats.dials.expt import write_expt
from autoproc.service.job_queue.job import JobState
from autoproc.service.results.outputs import Outputs
from autoproc.stages.import_sweep import import_sweeps

ME = pwd.getpwuid(os.getuid())
HEADERS = (("x-remote-user", ME.pw_name),)


def looked_at(path: str) -> Folder:
    """Folder b is another's; all others are for everybody to read, and mine to ask for."""
    kinds = {"a": Folder(ME.pw_uid, 1, 0o755), "b": Folder(1, 1, 0o750)}
    return kinds.get(Path(path).name, Folder(0, 0, 0o755) if ME.pw_uid else Folder(1, 1, 0o755))


@pytest.fixture
def folders(tmp_path):
    """Those of two visits, with four images in each; those of a have names of their own."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(1, 5):
            for sweep in ("own", "first", "last", "inner")[: 4 if name == "a" else 1]:
                (tmp_path / name / f"{sweep}_{number:04d}.cbf").write_text("image")
    links = (("first", 1), ("last", 4), ("inner", 2))
    for sweep, number in links:
        image = tmp_path / "a" / f"{sweep}_{number:04d}.cbf"
        image.unlink()
        image.symlink_to(tmp_path / "b" / "own_0001.cbf")
    return tmp_path / "a", tmp_path / "b"


def test_links_at_the_ends_are_told_at_once_and_all_when_all_are_looked_at(folders):
    a, b = folders
    ends = {s: folders_of_ends(str(a / f"{s}_####.cbf"), 1, 4) for s in ("own", "first", "last", "inner")}
    assert ends == {"own": set(), "first": {str(b)}, "last": {str(b)}, "inner": set()}
    assert folders_of_all(str(a / "inner_####.cbf")) == {str(b)}
    assert folders_of_all(str(a / "own_####.cbf")) == set()
    assert folders_of_all(str(a / "gone" / "x_####.cbf")) == set()


def test_files_of_a_master_count_where_they_are(folders):
    a, b = folders
    master = write_master(a / "x_master.h5", np.ones((3, *SIZE)), link=True)
    assert folders_of_all(str(master)) == set()
    data = a / "x_data_000001.h5"
    data.rename(b / data.name)
    data.symlink_to(b / data.name)
    assert folders_of_all(str(master)) == {str(b)}
    (a / "linked_master.h5").symlink_to(b / data.name)
    assert folders_of_ends(str(a / "linked_master.h5"), None, None) == {str(b)}


@pytest.fixture
def app(folders, tmp_path, monkeypatch):
    monkeypatch.setattr(rights, "looked_at", looked_at)
    queue = queue_in(tmp_path / "output")
    outputs = Outputs(tmp_path / "output")
    for name in ("own", "first", "last", "inner"):
        queue.add(found(name, path=folders[0] / f"{name}_####.cbf", image_range=(1, 4)))
        assert queue.finish(begun(queue), JobState.processed, RESULT, {})
        results(outputs, name, 1, 90.0)
    queue.close()
    return dashboard(outputs, ServeParams(socket=tmp_path / "socket"), Keys("a secret"))


def answers(app, *asked):
    async def asking():
        sent = (*HEADERS, ("x-form-token", Keys("a secret").form_token(f"user {ME.pw_name}")))
        async with running(app):
            return [await ask(app, path, method, sent, b"", client=None) for method, path in asked]

    return asyncio.run(asking())


def test_a_user_of_one_visit_is_not_shown_what_links_bring_from_another(app):
    kinds = ("", "/images", "/images/facts", "/images/2/tiles/0/0/0", "/thumbnail.png", "/lattice", "/zip", "/log",
             "/files/merged.mtz")  # fmt: skip
    names = {"first": 404, "last": 404, "inner": 403}
    asked = [(name, "GET", kind) for name in names for kind in kinds]
    asked += [(name, "POST", "/reprocess") for name in names]
    listed, own, compared, *told = answers(
        app, ("GET", "/api/sweeps"), ("GET", "/sweeps/own"), ("GET", "/compare?of=own&of=inner"),
        *((method, f"/sweeps/{name}{kind}") for name, method, kind in asked),
    )  # fmt: skip
    assert {row["name"] for row in json.loads(listed.body)["rows"]} == {"own", "inner"}
    assert own.status == 200
    assert compared.status == 403
    assert b"links into folders that you may not read" in compared.body
    for (name, _, kind), answer in zip(asked, told, strict=True):
        assert answer.status == names[name], (name, kind)


def test_a_link_that_is_laid_while_he_looks_shows_him_nothing(app, folders, tmp_path):
    a, b = folders
    for number in range(1, 5):
        for folder in folders:
            write_image(folder / f"own_{number:04d}.cbf", {"Start_angle": f"{number * 0.5:.4f} deg."})
    (sweep,) = import_sweeps([a / "own_0001.cbf"]).experiments
    stages = Outputs(tmp_path / "output").results("own") / "stages"
    stages.mkdir()
    write_expt(stages / "imported.expt", [sweep.experiment])

    async def looking():
        async with running(app):
            seen = [await ask(app, f"/sweeps/own/images/{n}/tiles/0/0/0", headers=HEADERS, client=None) for n in (1, 2)]
            for number, target in ((2, b), (3, b), (4, a)):
                (a / f"own_{number:04d}.cbf").unlink()
                (a / f"own_{number:04d}.cbf").symlink_to(target / "own_0001.cbf")
            asked = (f"/sweeps/own/images/{n}/{what}" for n in (2, 3, 4) for what in ("tiles/0/0/0", "facts"))
            return seen, [await ask(app, path, headers=HEADERS, client=None) for path in asked]

    seen, linked = asyncio.run(looking())
    assert [answer.status for answer in seen] == [200, 200]
    assert [answer.status for answer in linked] == [503] * 4 + [200] * 2
    assert all(b"may not read" in answer.body for answer in linked[:4])
