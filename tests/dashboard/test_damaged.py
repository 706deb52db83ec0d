"""Whatever has become of files of results, and of rows of the queue: pages come, with what is known."""

from __future__ import annotations

import copy
import json
import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from queued import finished, queue_in
from results_for_tests import results
from served import browser_of

from autoproc.service.queue_file import queue_path
from autoproc.service.results.outputs import Outputs

PAGES = (
    "/", "/?group=folder", "/?sort=d_min&way=up", "/?q=lyso", "/?verdict=good", "/sweeps.csv", "/api/sweeps",
    "/api/sweeps/lyso", "/metrics", "/sweeps/lyso", "/sweeps/lyso/reprocess", "/sweeps/lyso?processing=1",
    "/compare?of=lyso&of=other", "/compare/plots.json?of=lyso&of=other", "/sweeps/other",
)  # fmt: skip
OF_FILES = ("/sweeps/lyso", "/compare?of=lyso&of=other", "/sweeps/lyso/zip")
ODD = (None, -1, 1.5, True, "x", [], [None], {}, {"a": None}, "9" * 400, [[1]], float("nan"))


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    output = tmp_path_factory.mktemp("damaged")
    queue = queue_in(output)
    for name in ("lyso", "other"):
        finished(queue, name)
        results(Outputs(output), name, 1, 90.0)
    results(Outputs(output), "lyso", 2, 95.0)
    queue.close()
    return output


@pytest.fixture(scope="module")
def client(output):
    with browser_of(output) as client:
        yield client


@pytest.fixture
def file(output):
    """file(name, change): change the text of a file of results; it is put back in the end."""
    before = {}

    def changed(name, change):
        path = Outputs(output).results("lyso") / name
        before.setdefault(path, path.read_text())
        path.write_text(change(before[path]))

    yield changed
    for path, text in before.items():
        path.write_text(text)


@pytest.fixture
def row(output):
    """row(column=value): change the row of a sweep; it is put back in the end."""
    db = sqlite3.connect(queue_path(Outputs(output)), isolation_level=None)
    db.row_factory = sqlite3.Row
    before = dict(db.execute("SELECT * FROM jobs WHERE name = 'lyso'").fetchone())

    def changed(**columns):
        changes = ", ".join(f"{column} = ?" for column in columns)
        db.execute(f"UPDATE OR IGNORE jobs SET {changes} WHERE id = {before['id']}", tuple(columns.values()))

    yield changed
    changed(**before)
    db.close()


def cut(text):
    return text[: len(text) // 2]


@pytest.mark.parametrize("name", ["summary.json", "plots.json", "parameters.json"])
@pytest.mark.parametrize("change", [cut, lambda _: "", lambda _: "[]", lambda _: "{}", lambda _: "[" * 5000])
def test_a_page_with_a_damaged_file_comes_and_names_it(client, file, name, change):
    file(name, change)
    answer = client.get("/sweeps/lyso")
    assert answer.status_code == 200
    assert "merged.mtz" in answer.text
    is_told = f"<li>{name}" in answer.text
    assert is_told == (name == "plots.json" or change("xx") != "{}")
    if name != "plots.json":
        assert client.get("/compare?of=lyso&of=other").status_code == 200


def test_what_is_known_of_a_damaged_summary_is_shown(client, file):
    file("summary.json", lambda text: json.dumps(json.loads(text) | {"space_group": 5, "unit_cell": "x", "isa": 7.25}))
    page = client.get("/sweeps/lyso").text
    assert "<li>summary.json: space_group, unit_cell</li>" in page
    assert "95.0%" in page
    assert "7.2" in page
    assert "Rmerge against image" in page


def places_in(facts, path=()):
    yield path
    for key, value in facts.items() if isinstance(facts, dict) else enumerate(facts) if isinstance(facts, list) else ():
        yield from places_in(value, (*path, key))


@pytest.mark.parametrize("name", ["summary.json", "plots.json"])
@given(st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_part_of_a_file_may_be_anything(client, file, name, data):
    def change(text):
        facts = json.loads(text)
        for _ in range(data.draw(st.integers(1, 3))):
            place = data.draw(st.sampled_from(list(places_in(facts))))
            value = copy.deepcopy(data.draw(st.sampled_from(ODD)))
            if not place:
                return json.dumps(value)
            holder = facts
            for key in place[:-1]:
                holder = holder[key]
            if value is None and isinstance(holder, dict) and data.draw(st.booleans()):
                del holder[place[-1]]
            else:
                holder[place[-1]] = value
        return json.dumps(facts)

    file(name, change)
    for path in OF_FILES:
        assert client.get(path).status_code == 200, path


@given(st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_column_of_a_row_may_say_anything(client, output, row, data):
    columns = [
        "path", "kind", "n_images", "partial", "visit", "priority", "run", "not_before", "found_at", "started_at",
        "finished_at", "parameters", "settings", "error", "hint", "result", "story", "progress", "base", "asked_at",
    ]  # fmt: skip
    odd = st.sampled_from([
        0, -1, 1e300, "", "x", b"\xff", "{", "[]", "[{}]", '{"verdict": {}}', '{"d_min": "x"}', '{"unit_cell": [1]}',
        '{"look_at": [1]}', '[{"at": 1e99, "event": "x"}]', "null",
    ])  # fmt: skip
    row(**data.draw(st.dictionaries(st.sampled_from(columns), odd, min_size=1, max_size=3)))
    for path in PAGES:
        assert client.get(path).status_code == 200, path
    assert "lyso" in client.get("/").text


def test_a_damaged_row_says_so_in_the_list_and_on_its_page(client, row):
    row(result='{"status": "processed", "d_min": "x"}')
    for path in ("/", "/sweeps/lyso"):
        assert "queue.sqlite is damaged (result.d_min)" in client.get(path).text
    assert "is damaged" not in client.get("/sweeps/other").text
