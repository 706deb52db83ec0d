"""The page of a sweep: what was found, what went wrong, what can be asked for; its earlier results; comparisons."""

from __future__ import annotations

import json
import re

import pytest
from queued import RESULT, begun, finished, found, queue_in
from results_for_tests import results
from starlette.testclient import TestClient

from autoproc.dashboard.access.keys import keys_of
from autoproc.dashboard.app import dashboard
from autoproc.dashboard.params import ServeParams
from autoproc.reports.summary import Failure
from autoproc.service.job_queue.job import JobState
from autoproc.service.results.outputs import Outputs


@pytest.fixture
def output(tmp_path):
    queue, outputs = queue_in(tmp_path), Outputs(tmp_path)
    for name in ("lyso", "other"):
        finished(queue, name)
        results(outputs, name, 1, 90.0, settings={"scale": {"d_min": 1.5}})
    results(outputs, "lyso", 2, 95.0)
    error = "no lattice was found"
    finished(
        queue, "bad", status="failed", error=error, hint="set index.max_cell=300", error_stage="index", verdict=None
    )
    results(outputs, "bad", 1, 0.0, Failure("index", error, "set index.max_cell=300"))
    queue.add(found("atwork"))
    job = begun(queue)
    outputs.begin(job).joinpath("autoproc.log").write_text("so far\nhalf a li")
    queue.close()
    return tmp_path


@pytest.fixture
def client(output):
    keys = keys_of(Outputs(output))
    with TestClient(dashboard(Outputs(output), ServeParams(), keys), base_url="http://127.0.0.1") as client:
        client.get("/", params={"token": keys.token})
        yield client


def posted(client, path, **fields):
    token = re.search(r'name="form-token" content="(\w+)"', client.get("/").text)[1]
    return client.post(path, data={"form_token": token, **fields}, follow_redirects=False)


def test_files_of_parameters_that_were_changed_since_are_named(output, client, tmp_path):
    queue, visit = queue_in(output), tmp_path / "v<1>"
    visit.mkdir()
    queue.add(found("told", path=visit / "x_#.cbf", visit=str(visit)))
    finished(queue, "told", visit_files={})
    queue.close()
    assert "changed since" not in client.get("/sweeps/told").text
    (visit / "autoproc.toml").write_text("[scale]\n")
    page = client.get("/sweeps/told").text
    assert f"{tmp_path}/v&lt;1&gt;/autoproc.toml changed since these results were made: process it again" in page


def queued(output, name):
    queue = queue_in(output)
    try:
        return queue.named(name)
    finally:
        queue.close()


def test_the_page_has_the_report(client):
    page = client.get("/sweeps/lyso").text
    for wanted in ("95.0%", "Rmerge against image", "<svg", "wavelength", "autoproc.log", "second &lt;line&gt;", "zip"):
        assert wanted in page
    assert "Beilsten-Edmands" in page
    assert "<b>b</b>" not in page
    assert "Of <each>" not in page


def test_tables_and_maps_lead_to_the_image_viewer(client):
    page = client.get("/sweeps/lyso").text
    assert '<a href="/sweeps/lyso/images?stage=scaled&amp;row=7&amp;open=equivalents">1 2 3</a>' in page
    assert page.count('<a class="cell" href="/sweeps/lyso/images?stage=refined&amp;order=residual&amp;region=') == 3
    assert "region=50,100,40,80" in page
    assert 'href="/sweeps/lyso/images?show=hot"' in page
    assert 'href="/sweeps/lyso/images?stage=scaled&amp;d=5.1,1.9">5.0</a>' in page


def test_what_is_not_to_be_seen_there_does_not_lead_to_it(client):
    earlier = client.get("/sweeps/lyso?processing=1").text  # whose reflections the viewer does not have
    compared = client.get("/compare?of=lyso&of=other").text
    static = client.get("/sweeps/lyso/files/report.html").text
    assert "Outliers" in earlier
    for page in (earlier, compared, static):
        assert 'class="cell"' not in page
        assert "row=7" not in page


def test_no_page_has_scripts_or_styles_within(client):
    for address in ("/sweeps/lyso", "/sweeps/bad", "/sweeps/atwork", "/compare?of=lyso&of=other"):
        page = client.get(address).text
        assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", page)


def test_parameters_that_were_used_are_told_with_their_defaults(client):
    page = client.get("/sweeps/other").text
    assert "scale.d_min" in page
    assert "<b>1.5</b>" in page


def test_a_failure_says_why_and_what_to_do_and_offers_what_matters(client):
    page = client.get("/sweeps/bad").text
    assert "no lattice was found" in page
    assert 'name="set index.max_cell"' in page  # its advice speaks of it
    assert 'name="set import_sweep.beam_centre"' in page
    assert 'action="/sweeps/bad/retry"' in page


def test_what_is_wrong_is_said_beside_its_field(client, output):
    answer = posted(client, "/sweeps/bad/reprocess", **{"set index.method": "magic", "set index.max_cell": "300"})
    assert answer.status_code == 400
    assert re.search(
        r'name="set index.method"[^>]*aria-invalid[^<]*<option value="">[^<]*</option>\s*<option selected>magic',
        answer.text,
    )
    assert not re.search(r'value="300"[^>]*aria-invalid', answer.text)
    assert queued(output, "bad").state is JobState.failed


def test_a_sweep_is_processed_again_with_what_was_given(client, output):
    fields = {"set index.max_cell": "300", "parameters": "scale.d_min=1.8"}
    assert posted(client, "/sweeps/bad/reprocess", **fields).status_code == 303
    job = queued(output, "bad")
    assert job.state is JobState.queued
    assert job.parameters == {"index.max_cell": "300", "scale.d_min": "1.8"}


def test_without_the_form_token_nothing_is_done(client, output):
    assert client.post("/sweeps/bad/reprocess", data={"parameters": ""}).status_code == 403
    assert client.post("/sweeps/lyso/choose", data={"number": "1"}).status_code == 403
    assert queued(output, "bad").state is JobState.failed


def test_earlier_results_are_shown_and_chosen(client, output):
    assert "processing=1" in client.get("/sweeps/lyso").text
    assert "90.0%" in client.get("/sweeps/lyso?processing=1").text
    assert client.get("/sweeps/lyso/files/parameters.json?processing=1").json()["run"] == 1
    assert posted(client, "/sweeps/lyso/choose", number="1").status_code == 303
    assert client.get("/sweeps/lyso/files/parameters.json").json()["run"] == 1
    assert "processing 1 stands again" in client.get("/sweeps/lyso").text


@pytest.mark.parametrize("number", ["7", "0", "-1", "", "../../other", "1e3", "9" * 40])
def test_results_that_are_not_kept_are_not_there(client, number):
    assert posted(client, "/sweeps/lyso/choose", number=number).status_code == 409
    if number.isdecimal() and len(number) < 10:
        assert client.get("/sweeps/lyso", params={"processing": number}).status_code == 404


def test_the_log_is_followed_in_whole_lines(client, output):
    assert "so far" in client.get("/sweeps/atwork").text
    part = client.get("/sweeps/atwork/log?from=0").json()
    assert part["text"] == "so far\n"
    assert part["is_growing"]
    log = Outputs(output).folder("atwork", 1) / "autoproc.log"
    log.write_text("so far\nhalf a line\n")
    assert client.get(f"/sweeps/atwork/log?from={part['end']}").json()["text"] == "half a line\n"


@pytest.mark.parametrize("begin", ["-1", "x", "99999999999999999999", "1e3", ""])
def test_a_place_that_makes_no_sense_gives_the_end_of_the_log(client, begin):
    assert client.get("/sweeps/lyso/log", params={"from": begin}).json()["text"].startswith("first line")


def test_results_are_compared(client):
    page = client.get("/compare?of=lyso&of=other&of=lyso/1").text
    assert re.search(r'<td class="differs">90\.0</td>', page)
    assert "lyso, processing 1" in page
    assert "scale.d_min" in page
    numbers = client.get("/compare/plots.json?of=lyso&of=other").json()
    (series, other) = numbers["sections"][0]["figures"][0]["chart"]["series"]
    assert (series["label"], other["label"]) == ("lyso", "other")
    assert (series["y"], other["y"]) == ([0.1, 95.0, 0.2], [0.1, 90.0, 0.2])


@pytest.mark.parametrize(
    "query", ["", "of=", "of=none", "of=lyso/99", "of=../x", "of=%00", "of=lyso&of=lyso", "of=bad"]
)
def test_what_cannot_be_compared_is_said(client, query):
    assert client.get(f"/compare?{query}").status_code == 200
    assert client.get(f"/compare/plots.json?{query}").json()["sections"] == []


def test_results_of_before_there_were_plots_are_shown(client, output):
    for name in ("plots.json", "parameters.json"):
        (output / "other" / name).unlink()
    page = client.get("/sweeps/other").text
    assert "report.html" in page
    assert "90.0%" in page


def test_what_makes_no_sense_in_a_folder_is_not_shown(client, output):
    for content in ("", "{", "[]", '{"version": 1}', '{"version": 1, "sections": 3}', '{"version": 9}', "null", "\x00"):
        (output / "other" / "plots.json").write_text(content)
        assert client.get("/sweeps/other").status_code == 200
    (output / "other" / "summary.json").write_text("[]")
    assert client.get("/sweeps/other").status_code == 200


def test_the_log_of_an_attempt_before_is_reached(client, output):
    assert "Logs of attempts before" not in client.get("/sweeps/bad").text
    results(Outputs(output), "bad", 2, 0.0, Failure("index", "again", ""))
    page = client.get("/sweeps/bad").text
    assert '<a href="/sweeps/bad/log/1">attempt 1</a>' in page
    answer = client.get("/sweeps/bad/log/1")
    assert answer.text.startswith("first line\nsecond <line>")
    assert answer.headers["content-type"].startswith("text/plain")
    for missing in ("/sweeps/bad/log/2", "/sweeps/lyso/log/1", "/sweeps/bad/log/-1", "/sweeps/bad/log/1/../../x"):
        assert client.get(missing).status_code == 404


def test_what_can_be_chosen_is_a_choice(client):
    page = client.get("/sweeps/lyso").text
    assert '<optgroup label="tetragonal">' in page
    assert '<option value="P 43 21 2">' in page
    assert client.get("/sweeps/bad").text.count("<select") == 2  # the space group, and the method of indexing


@pytest.fixture
def group(output):
    queue = queue_in(output)
    queue.add(found("combined/both", kind="combined", path="/data/auto:both"))
    members = {"lyso": 2, "other": 1}
    queue.finish(begun(queue), JobState.processed, RESULT | {"members": members}, {})
    queue.close()
    results(Outputs(output), "combined/both", 1, 99.0)


def test_a_group_says_of_which_sweeps_it_is_and_shows_their_images(client, group):
    page = client.get("/sweeps/combined/both").text
    assert "Of 2 sweeps:" in page
    assert '<a href="/sweeps/lyso">lyso</a>' in page
    assert "auto:both" not in page
    assert '<a href="/sweeps/combined/both/images">Images</a>' in page
    row = client.get("/").text.partition('data-name="combined/both"')[2].partition("</tr>")[0]
    assert '<a href="/sweeps/combined/both/images">Images</a>' in row


@pytest.mark.parametrize("name", ["lattice", "images", "reprocess", "retry", "thumbnail.png", "log", "zip", "choose"])
def test_a_group_may_be_called_as_a_part_of_an_address(client, output, name):
    queue = queue_in(output)
    queue.add(found(f"combined/{name}", kind="combined", path=f"/data/auto:{name}"))
    queue.close()
    answer = client.get(f"/sweeps/combined/{name}")
    assert (answer.status_code, f"<h1>combined/{name}" in answer.text) == (200, True)
    assert "A group of sweeps that is not put together yet." in answer.text
    assert client.get(f"/sweeps/combined/{name}/reprocess").status_code == 200


def test_earlier_results_are_linked_and_have_links_of_their_own(client):
    page = client.get("/sweeps/lyso").text
    assert 'Processed before: <a href="/sweeps/lyso?processing=1">processing 1</a>' in page
    assert '<a href="#earlier">Earlier results</a>' in page
    earlier = client.get("/sweeps/lyso?processing=1").text
    assert 'href="/sweeps/lyso/zip?processing=1"' in earlier
    assert 'href="/compare?of=lyso/1&amp;of=lyso"' in earlier
    assert 'href="/sweeps/lyso/lattice"' not in earlier


def test_one_alone_is_not_compared(client):
    words = "choose another sweep"
    assert words in client.get("/compare?of=lyso").text
    assert words not in client.get("/compare?of=lyso&of=other").text


def test_of_a_sweep_that_failed_alone_the_group_comes_first(client, output):
    place, advice = client.get("/").text.partition('data-name="bad"')[2].partition("</tr>")[0], "set index.max_cell=300"
    assert advice in place
    queue = queue_in(output)
    standing = {"name": "combined/x", "words": "part of combined/x, which is complete", "settled": [],
                "space_group": "", "verdict": "good"}  # fmt: skip
    queue.membership.tell("combined/x", {"bad": queue.named("bad").run}, {"bad": standing})
    queue.close()
    row = client.get("/").text.partition('data-name="bad"')[2].partition("</tr>")[0]
    assert re.search(r"part of .*combined/x.*, which is complete; alone: no lattice was found", row)
    assert advice not in row
    page = client.get("/sweeps/bad").text
    shown, _, folded = page.partition("<summary>What to do to have it alone</summary>")
    assert "Alone it failed at index:" in shown
    assert advice not in shown
    assert "Set index.max_cell=300" in folded.partition("</details>")[0]


def test_what_the_group_has_settled_is_not_among_the_warnings(client, output, group):
    place = Outputs(output).results("lyso") / "summary.json"
    summary = json.loads(place.read_text())
    said = {"completeness": "completeness: 60%", "B": "B grows by 17 A^2"}
    doubts = [{"name": name, "verdict": "look", "says": words, "lacks": ""} for name, words in said.items()]
    checks = [{"name": name, "value": "so", "usual": "not so", "verdict": "look", "advice": ""} for name in said]
    summary |= {"warnings": list(said.values()), "quality": {"verdict": "look", "checks": checks}}
    summary["alternatives"] = ["P 32"]
    place.write_text(json.dumps(summary))
    standing = {"name": "combined/both", "words": "part of combined/both, which is complete", "verdict": "look",
                "settled": ["completeness"], "space_group": "P 31"}  # fmt: skip
    queue = queue_in(output)
    queue.cancel("atwork")
    queue.reprocess("lyso", {})
    job = begun(queue)
    queue.finish(job, JobState.processed, RESULT | {"doubts": doubts, "look_at": list(said)}, {})
    queue.membership.tell("combined/both", {"lyso": job.run}, {"lyso": standing})
    queue.close()
    page = client.get("/sweeps/lyso").text
    warned, _, checked = page.partition('<h2 id="checks">')
    assert "<li>B grows" in warned
    assert "completeness: 60%" not in warned
    assert 'The group <a href="/sweeps/combined/both">combined/both</a> tells it: <b>P 31</b>' in warned
    assert "<summary>1 that the group has settled</summary>" in checked
    assert "<li>completeness: 60%</li>" in checked
    before = client.get("/sweeps/lyso?processing=1").text
    assert "the group has settled" not in before, "results from before are of no group"
