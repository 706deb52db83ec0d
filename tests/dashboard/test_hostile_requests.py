"""Whatever an address says, nothing is served but results of sweeps: each route is asked for what it must not give."""

from __future__ import annotations

import asyncio
import os
from urllib.parse import quote, quote_from_bytes

import pytest
from asked import ask, paths_of, running
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from queued import finished, queue_in

from autoproc.dashboard.access.keys import SECRET, keys_of
from autoproc.dashboard.app import dashboard
from autoproc.dashboard.file_viewer import file_viewer
from autoproc.dashboard.params import ServeParams
from autoproc.service.results.outputs import Outputs
from autoproc.viewing.subject import Subject

MARK = "not for anybody's eyes"
NAMES = (
    "lyso",
    "100%",
    "50%2f",
    "a b",
    "q?x=1&y",
    "s#1",
    "semi;colon",
    "ü",
    "a+b",
    "'quoted\"",
    "<i>",
    "back\\slash",
    "x..",
)
LINKED = ("merged.mtz", "summary.json", "report.html", "autoproc.log", "stages/strong.refl", "stages/strong.expt")
PLACES = ("{outside}/secret.txt", "{output}/.autoproc/serve.secret", "{output}/.autoproc/queue.sqlite", "/etc/passwd")
UPWARDS = (
    "..", "../..", "../lyso", "./lyso", "lyso/../lyso", "lyso/./merged.mtz", ".autoproc", ".autoproc/serve.secret",
    "../.autoproc/serve.secret", "../../outside/secret.txt", "linked", "linked/secret.txt",
    "lyso/files/../../.autoproc", "%2e%2e", "%2e%2e/%2e%2e/outside/secret.txt", "..%2f..%2foutside%2fsecret.txt",
    "%252e%252e%252foutside", "..%5c..%5coutside", "%c0%ae%c0%ae/%c0%af", "%uff0e%uff0e", "..;/outside", "lyso%00",
    "%00", "lyso%00.png", "lyso%0a", "%0d%0aset-cookie:%20a=b", "a" * 300, "a/" * 400, "%ff%fe", "%ed%a0%80",
    "%f0%9f%92%a9", "//evil.example", "%2f%2fevil", "file:///etc/passwd", "~root", "$HOME", "{0.__class__}", "%25s",
    "-1", "0x10", "1e9", "9" * 400, "NaN", "%d9%a0", "stages", "stages/../../../outside/secret.txt", "merged.mtz/",
    "merged.mtz/x", "COMBINED/x", "combined/", "combined/../..",
)  # fmt: skip


@pytest.fixture(scope="module")
def there(tmp_path_factory):
    top = tmp_path_factory.mktemp("hostile")
    output, outside = top / "output", top / "outside"
    (outside / "stages").mkdir(parents=True)
    (outside / "secret.txt").write_text(MARK)
    queue = queue_in(output)
    for name in (*NAMES, "linked", "gone"):
        finished(queue, name)
    queue.close()
    outputs = Outputs(output)
    for name in NAMES:
        (outputs.results(name) / "stages").mkdir(parents=True)
        (outputs.results(name) / "merged.mtz").write_bytes(b"MTZ of " + name.encode())
    for file in LINKED:
        (outside / file).write_text(MARK)
        if file != "merged.mtz":
            (outputs.results("lyso") / file).symlink_to(outside / file)
    outputs.results("linked").symlink_to(outside)
    os.link(outside / "secret.txt", output / "stray.txt")
    keys = keys_of(outputs)
    app = dashboard(outputs, ServeParams(), keys)
    secrets = [MARK.encode(), (outputs.state / SECRET).read_bytes(), b"SQLite format 3", b"root:x:0"]
    yield app, keys, secrets, {"output": str(output), "outside": str(outside)}
    asyncio.run(end(app))


async def end(app):
    async with running(app):
        pass


def asked(there, paths, methods=None):
    app, keys, _, _ = there

    async def asking():
        sent = [("authorization", f"Bearer {keys.program_key}")]
        return [(path, method, await ask(app, path, method, sent)) for path, method in paths]

    return asyncio.run(asking())


def check(there, answers):
    """Nothing that is none of their business, no failure of ours, no header that a path has made."""
    for path, method, answer in answers:
        assert answer.status < 500 or answer.status == 503, (path, method, answer)
        for secret in there[2]:
            assert secret not in answer.content, (path, method)
        assert "set-cookie" not in answer.headers, (path, method)
        assert "default-src 'none'" in answer.headers["content-security-policy"], (path, method)
        assert answer.headers.get("location", "/").startswith("/"), (path, method)
        assert not answer.headers.get("location", "/").startswith(("//", "/\\")), (path, method)


def walked(there, value, only=None):
    """Each route with a value in place of each parameter in turn, the others being good."""
    app = there[0]
    good = {"name": "lyso", "path": "merged.mtz"}
    params = {name for route in app.routes for name in getattr(route, "param_convertors", {})}
    for name in sorted(params - {only}):
        for path, method in paths_of(app, good | {name: value}):
            if path != "/api/events":
                yield path, method


def test_no_route_leaves_its_folder(there):
    hostile = [*UPWARDS, *(quote(place.format(**there[3]), safe="") for place in PLACES)]
    hostile += [place.format(**there[3]) for place in PLACES]
    paths = {pair for value in hostile for pair in walked(there, value)}
    check(there, asked(there, sorted(paths)))


def test_no_link_is_followed(there):
    paths = [(f"/sweeps/lyso/files/{file}", "GET") for file in LINKED]
    paths += [(f"/sweeps/linked/files/{file}", "GET") for file in (*LINKED, "secret.txt")]
    paths += [pair for name in ("lyso", "linked", "gone") for pair in paths_of(there[0], {"name": name})]
    answers = asked(there, [pair for pair in paths if pair[0] != "/api/events"])
    check(there, answers)
    told = {path: answer for path, _, answer in answers}
    assert told["/sweeps/lyso/files/merged.mtz"].body == b"MTZ of lyso"
    assert told["/sweeps/lyso/files/report.html"].status == 404
    assert told["/sweeps/linked/files/merged.mtz"].status == 404


@pytest.mark.parametrize("name", NAMES)
def test_sweeps_of_any_name_are_found_under_it(there, name):
    page, file = (f"/sweeps/{quote(name, safe='')}{rest}" for rest in ("", "/files/merged.mtz"))
    answers = asked(there, [(page, "GET"), (file, "GET")])
    check(there, answers)
    assert answers[0][2].status == 200
    assert answers[1][2].body == b"MTZ of " + name.encode()


def test_the_list_leads_to_each_of_them(there):
    body = asked(there, [("/", "GET")])[0][2].body.decode()
    for name in NAMES:
        assert f'href="/sweeps/{quote(name)}"' in body


def test_no_parameter_of_the_query_is_a_path(there):
    names = (
        "stage",
        "sweep",
        "file",
        "path",
        "name",
        "image",
        "back",
        "from",
        "folder",
        "visit",
        "how",
        "after",
        "d",
        "a",
    )
    values = (
        "../../outside/secret.txt",
        quote(there[3]["outside"]),
        "%00",
        "%ff",
        "9" * 400,
        "-1",
        "NaN",
        "[]",
        "//evil.example",
    )
    paths = [
        (f"{path}?{name}={value}", method)
        for path, method in paths_of(there[0], {"name": "lyso", "path": "merged.mtz"})
        for name in names
        for value in values
        if path != "/api/events"
    ]
    check(there, asked(there, paths[::13]))


TEXTS = st.text(min_size=1, max_size=30).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text))
PARTS = (
    st.sampled_from(UPWARDS)
    | TEXTS.map(lambda text: quote(text, safe=""))
    | st.binary(max_size=20).map(quote_from_bytes)
)


@given(
    parts=st.lists(PARTS, min_size=1, max_size=5), start=st.sampled_from(["/", "/sweeps/", "/api/sweeps/", "/static/"])
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_no_address_leads_astray(there, parts, start):
    path = (start + "/".join(parts)).replace("?", "%3F").replace("#", "%23")
    if path.isascii() and not path.endswith("/api/events"):
        check(there, asked(there, [(path, "GET"), (path, "HEAD"), (path, "POST")]))


def test_files_that_a_user_has_named_are_all_there_is(there, tmp_path):
    (tmp_path / "secret.txt").write_text(MARK)
    app = file_viewer(Subject("nothing"), ServeParams(), there[1])
    paths = {pair for value in UPWARDS for pair in walked((app,), value)}
    check((app, there[1], there[2], there[3]), asked((app, there[1], [], {}), sorted(paths)))
