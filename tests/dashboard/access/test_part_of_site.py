"""Walks every route of the application as a user who may see a part of the sweeps, and finds nothing of the others."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
from pathlib import Path

import pytest
from asked import ask, paths_of, running
from queued import RESULT, begun, found, queue_in

from autoproc.dashboard.access import rights
from autoproc.dashboard.access.keys import Keys
from autoproc.dashboard.access.rights import Folder
from autoproc.dashboard.access.viewer import People, Viewer
from autoproc.dashboard.app import dashboard
from autoproc.dashboard.params import ServeParams
from autoproc.service.following.followed import Followed
from autoproc.service.following.live_folder import LiveFolder, key_of
from autoproc.service.job_queue.job import JobState
from autoproc.service.job_queue.programs_at_work import Arriving
from autoproc.service.results.outputs import Outputs

ME = pwd.getpwuid(os.getuid())
MARK = "ofothers"
"""In everything that the others' sweep has, but in its name."""
LISTENED = "/api/events"
MINE, SHARED, THEIRS = "minesweep", "sharedsweep", "hiddensweep"
HEADERS = (("x-remote-user", ME.pw_name),)
QUERIES = (
    "", f"?q={THEIRS}", f"?q={MARK}", "?sort=name&way=up", "?state=processed", "?group=folder",
    f"?sweep={THEIRS}", f"?sweep={MINE}&sweep={THEIRS}", f"?name={THEIRS}", f"?with={THEIRS}", f"?a={MINE}&b={THEIRS}",
    f"?of={THEIRS}", f"?of={MINE}&of={THEIRS}", f"?folder=/{MARK}", f"?visit=/{MARK}", "?after=0",
)  # fmt: skip


def looked_at(path: str) -> Folder:
    """Folders of one user, of another, of both, and all above them."""
    kinds = {"mine": Folder(ME.pw_uid, 1, 0o700), "shared": Folder(1, 1, 0o755), MARK: Folder(1, 1, 0o750)}
    return kinds.get(Path(path).name, Folder(0, 0, 0o755) if ME.pw_uid else Folder(1, 1, 0o755))


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setattr(rights, "looked_at", looked_at)
    queue = queue_in(tmp_path / "output")
    outputs = Outputs(tmp_path / "output")
    sweeps = (("mine", MINE, "processed"), ("shared", SHARED, "processed"), (MARK, THEIRS, "failed"))
    for folder, name, status in sweeps:
        (tmp_path / folder).mkdir()
        sweep = found(name, path=tmp_path / folder / f"{name}_####.cbf", visit=str(tmp_path / folder))
        queue.add(sweep)
        result = RESULT | {"status": status, "warnings": [f"warning {folder}"], "error": f"error {folder}"}
        assert queue.finish(begun(queue), JobState(status), result, {"find_spots": {"d_min": folder}})
        (outputs.results(name) / "stages").mkdir(parents=True)
        for file in ("summary.json", "report.html", "autoproc.log", "merged.mtz", "stages/strong.refl"):
            (outputs.results(name) / file).write_text(json.dumps({"folder": folder}))
    queue.add(found("combined/all", kind="combined", path=tmp_path / "all"))
    members = RESULT | {"members": {MINE: 1, THEIRS: 1}, "warnings": [MARK]}
    assert queue.finish(begun(queue), JobState.processed, members, {})
    standing = {"name": "combined/all", "words": f"part of combined/all, {MARK}", "verdict": "look", "settled": [],
                "space_group": MARK}  # fmt: skip
    runs = {name: queue.named(name).run for name in (MINE, THEIRS)}
    queue.membership.tell("combined/all", runs, {MINE: standing})
    queue.membership.tell("combined/all", runs, {THEIRS: standing})
    queue.membership.tell("combined/all", runs, {MINE: standing})
    queue.programs.attend("here:1:1", [f"/{MARK}"])
    queue.programs.show("here:1:1", [Arriving(str(tmp_path / MARK / "x.h5"), MARK, 3, MARK, None)])
    live = LiveFolder(outputs)
    for folder in ("mine", MARK):
        live.tell(Followed(str(tmp_path / folder / "x.h5"), f"live {folder}"))
    live.poll()
    params = ServeParams(socket=tmp_path / "socket")
    yield dashboard(outputs, params, Keys("a secret")), queue
    queue.close()


def walk(app, name, queries=("",), headers=HEADERS):
    """Answers of all routes, by method and path."""

    async def walking():
        token = Keys("a secret").form_token(f"user {ME.pw_name}")
        answers = {}
        async with running(app):
            for path, method in paths_of(app, {"name": name}):
                for query in queries if path != LISTENED else queries[-1:]:
                    sent = (*headers, ("x-form-token", token))
                    answers[method, path + query] = await ask(app, path + query, method, sent, b"", client=None)
        return answers

    return asyncio.run(walking())


def of_others(content: bytes) -> list[str]:
    return [word for word in (MARK, THEIRS, "combined/all") if word in content.decode("utf-8", "replace")]


def test_nothing_is_told_of_what_is_not_named(site):
    answers = walk(site[0], MINE, QUERIES)
    assert len(answers) > 20
    for (method, path), answer in answers.items():
        said = [answer.content, *(value.encode() for value in answer.headers.values())]
        told = {word for part in said for word in of_others(part) if word not in path}
        assert told == set(), (method, path)


@pytest.mark.parametrize("name", [THEIRS, "combined/all"])
def test_what_is_named_is_not_there(site, name):
    for (method, path), answer in walk(site[0], name).items():
        assert MARK not in answer.content.decode("utf-8", "replace"), (method, path)
        if name in path:
            assert answer.status in (403, 404), (method, path)


def test_nothing_is_done_to_it(site):
    app, queue = site
    before = queue.named(THEIRS)
    walk(app, THEIRS)
    assert queue.named(THEIRS) == before


def test_numbers_are_of_what_is_seen(site):
    facts = json.loads(walk(site[0], MINE)["GET", "/api/sweeps"].body)
    assert {row["name"] for row in facts["rows"]} == {MINE, SHARED}
    assert facts["n_found"] == 2
    assert facts["counts"]["failed"] == 0


def test_the_staff_sees_all(site, monkeypatch):
    monkeypatch.setattr(People, "_looked_up", lambda self, name: Viewer(name, sees_all=True))
    facts = json.loads(walk(site[0], MINE)["GET", "/api/sweeps"].body)
    assert facts["n_found"] == 4


def post(app, name, verb, body=b"{}"):
    async def posting():
        async with running(app):
            sent = (*HEADERS, ("x-form-token", Keys("a secret").form_token(f"user {ME.pw_name}")))
            return await ask(app, f"/api/sweeps/{name}/{verb}", "POST", sent, body, client=None)

    return asyncio.run(posting())


def test_his_own_is_processed_again(site):
    app, queue = site
    assert post(app, MINE, "reprocess").status == 200
    assert queue.named(MINE).state is JobState.queued


@pytest.mark.parametrize("who", ["owner", "owner of what the staff has asked for", "staff"])
@pytest.mark.parametrize("name", ["import_sweep.link_roots", "merge.reference"])
def test_nobody_but_the_staff_has_files_read_that_are_not_his(site, monkeypatch, name, who):
    app, queue = site
    if who != "owner":
        queue.reprocess(MINE, {name: "/store"} if who != "staff" else {})
    if who == "staff":
        monkeypatch.setattr(People, "_looked_up", lambda self, name: Viewer(name, sees_all=True))
    body = json.dumps({"parameters": {name: "/store", "scale.d_min": "2"}}).encode()
    assert post(app, MINE, "reprocess", body).status == (403 if who == "owner" else 200)
    assert ("scale.d_min" in queue.named(MINE).parameters) == (who != "owner")


def test_what_all_may_read_is_not_his_to_ask_for(site):
    app, queue = site
    assert post(app, SHARED, "reprocess").status == 403
    assert queue.named(SHARED).state is JobState.processed


def test_every_route_about_a_sweep_names_it_alike(site):
    for path, _ in paths_of(site[0], {"name": "NAME"}):
        if path.startswith(("/sweeps/", "/api/sweeps/")):
            assert path.split("/sweeps/")[1].startswith("NAME"), path


def test_who_listens_is_told_of_his_own(site):
    app, queue = site
    told_before = []

    def has_heard(told):
        if not told_before and b"event:" in told:  # of what was there: from now on he listens
            told_before.append(len(told))
            queue.retry(THEIRS)
            queue.reprocess(MINE, {})
        return bool(told_before) and MINE.encode() in told[told_before[0] :]

    async def listening():
        async with running(app):
            return (await ask(app, "/api/events?after=0", headers=HEADERS, client=None, until=has_heard)).body

    told = asyncio.run(listening())
    assert has_heard(told)
    assert of_others(told) == []


def test_files_that_a_user_has_named_are_for_who_has_the_link(tmp_path):
    from autoproc.dashboard.file_viewer import file_viewer
    from autoproc.viewing.subject import Subject

    app = file_viewer(Subject("title"), ServeParams(socket=tmp_path / "s"), Keys("a secret"))
    answer = asyncio.run(ask(app, "/lattice", headers=HEADERS, client=None))
    assert answer.status == 403


def test_of_sweeps_that_come_his_own_are_told(site, tmp_path):
    keys = {folder: key_of(str(tmp_path / folder / "x.h5")) for folder in ("mine", MARK)}

    async def asking():
        async with running(site[0]):
            paths = ["/api/live", *(f"{at}/{key}" for at in ("/api/live", "/live") for key in keys.values())]
            return [await ask(site[0], path, headers=HEADERS, client=None) for path in paths]

    every, mine, theirs, my_page, their_page = asyncio.run(asking())
    assert [one["name"] for one in json.loads(every.body)["sweeps"]] == ["live mine"]
    assert (mine.status, my_page.status) == (200, 200)
    assert (theirs.status, their_page.status) == (404, 404)
    assert MARK.encode() not in theirs.body + their_page.body
