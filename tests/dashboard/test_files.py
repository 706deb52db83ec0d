"""Nothing is handed out but a sweep's own files, whatever is asked for and whatever was put in the way."""

from __future__ import annotations

import asyncio
import io
import os
import zipfile
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from queued import finished, queue_in
from starlette.testclient import TestClient

from autoproc.dashboard.access.keys import keys_of
from autoproc.dashboard.app import dashboard
from autoproc.dashboard.files import NotHandedOut, ResultFolder, is_handed_out
from autoproc.dashboard.params import ServeParams
from autoproc.service.results.outputs import Outputs

SECRET = "what nobody may see"
HOSTILE = (
    "../other/merged.mtz", "../../secret", "/etc/passwd", "//etc/passwd", "..%2f..%2fsecret", "%2e%2e/%2e%2e/secret",
    "..\\..\\secret", "..%5c..%5csecret", "%252e%252e%252fsecret", "stages/../../secret", "stages/../merged.mtz",
    "./merged.mtz", "stages//scaled.refl", "merged.mtz/", "merged.mtz%00", "merged.mtz%00.txt", "%c0%ae%c0%ae/secret",
    "stages", "stages/", "", ".", "..", "notes.txt", ".merged.mtz.part", "link.mtz", "unmerged.mtz", "stages/link.refl",
    "summary.txt", "..;/secret", "MERGED.MTZ", "file:///etc/passwd", "stages/.x.refl",
    "../.autoproc/serve.secret", "../.autoproc/queue.sqlite", "..%2f.autoproc%2fserve.secret", "ispyb.json",
    "stages/scaled.expt", "%E2%80%A6/secret", "\uff0e\uff0e/secret", "stages%2f..%2f..%2fsecret",
)  # fmt: skip


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    output = tmp_path_factory.mktemp("visit") / "out"
    output.mkdir()
    queue = queue_in(output)
    for name in ("lyso", "other", "linked"):
        finished(queue, name)
    queue.close()
    (output.parent / "secret").write_text(SECRET)
    (output / "secret").write_text(SECRET)
    (output / "other").mkdir()
    (output / "other" / "merged.mtz").write_text(SECRET)
    (output / "linked").symlink_to(output / "other")
    own = output / "lyso"
    (own / "stages").mkdir(parents=True)
    (own / "merged.mtz").write_text("own")
    (own / "stages" / "scaled.refl").write_text("own table")
    (own / "notes.txt").write_text(SECRET)
    (own / ".merged.mtz.part").write_text(SECRET)
    (own / "unmerged.mtz").symlink_to(output / "other" / "merged.mtz")
    (own / "summary.txt").symlink_to("/etc/passwd")
    (own / "ispyb.json").mkdir()
    os.mkfifo(own / "stages" / "scaled.expt")
    (own / "stages" / "link.refl").symlink_to("../notes.txt")
    return output


@pytest.fixture(scope="module")
def client(output):
    keys = keys_of(Outputs(output))
    app = dashboard(Outputs(output), ServeParams(), keys)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=True) as client:
        client.get("/", params={"token": keys.token})
        yield client


async def raw(app, cookie, path):
    """Status and body of a path that no client has tidied."""
    sent = []
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": unquote(path, errors="replace"), "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(b"host", b"127.0.0.1"), (b"cookie", cookie.encode())],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip

    async def receive():
        await asyncio.sleep(5)
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:]).decode(errors="replace")


@pytest.fixture
def asked(client):
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())

    def ask(path):
        return client.portal.call(raw, client.app, cookie, path)

    return ask


def test_own_files_are_handed_out(client):
    assert client.get("/sweeps/lyso/files/merged.mtz").text == "own"
    assert client.get("/sweeps/lyso/files/stages/scaled.refl").text == "own table"


@pytest.mark.parametrize("path", HOSTILE)
def test_nothing_else_is(asked, path):
    status, body = asked(f"/sweeps/lyso/files/{path}")
    assert status == 404
    assert SECRET not in body
    assert "root:" not in body


@pytest.mark.parametrize("path", ["merged.mtz", "../other/merged.mtz"])
def test_a_folder_that_is_a_link_is_not_followed(asked, path):
    assert asked(f"/sweeps/linked/files/{path}")[0] == 404


@pytest.mark.parametrize(
    "name", ["..", ".", ".autoproc", "%2e%2e", "lyso%2f..%2fother", "secret", "combined/..", "a/b"]
)
def test_only_sweeps_of_the_queue_have_files(asked, name):
    for what in ("files/merged.mtz", "zip", "log"):
        assert asked(f"/sweeps/{name}/{what}")[0] == 404


def test_the_zip_has_own_files_alone(client):
    answer = client.get("/sweeps/lyso/zip")
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    assert sorted(archive.namelist()) == ["lyso/merged.mtz", "lyso/stages/scaled.refl"]
    assert archive.read("lyso/merged.mtz") == b"own"


@given(
    path=st.text()
    | st.lists(st.sampled_from(["..", ".", "", "stages", "merged.mtz", "other", "x.refl", "\0"])).map("/".join)
)
def test_what_is_handed_out_lies_within(path):
    if is_handed_out(path):
        assert path.count("/") <= 1
        assert not path.startswith(("/", "."))
        assert ".." not in path.split("/")


@given(
    parts=st.lists(st.sampled_from(["..", ".", "", "lyso", "other", "a/b", "linked", "\0", "lyso/stages"]), max_size=4)
)
def test_no_way_leads_out(output, parts):
    folder = ResultFolder("x", output, tuple(parts))
    try:
        with folder.open("merged.mtz") as file:
            inside = os.path.realpath(f"/proc/self/fd/{file.fileno()}")
    except NotHandedOut:
        return
    assert inside == os.path.realpath(output / "/".join(parts) / "merged.mtz")
    assert set(parts) <= {"lyso", "other"}
