"""A web server in front says who comes; nobody else does."""

from __future__ import annotations

import os
import pwd

import pytest
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from autoproc.dashboard.access.guard import TOKEN_HEADER, Guard
from autoproc.dashboard.access.keys import Keys, UnsafeSecret
from autoproc.dashboard.params import ServeParams

ME = pwd.getpwuid(os.getuid()).pw_name
SECRET = "letters of a secret"


async def told(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{request.scope['form_token']} {request.scope['viewer'].name or 'the holder'}")


@pytest.fixture
def keys():
    return Keys("a secret")


@pytest.fixture
def secret_file(tmp_path):
    path = tmp_path / "proxy.secret"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o640)
    return path


def client_of(keys, params, client, name="pages.example"):
    app = Starlette(routes=[Route("/page", told, methods=["GET", "POST"])])
    guard = Guard(app, params, keys)

    async def coming(scope, receive, send):
        await guard(scope | {"client": client}, receive, send)

    return TestClient(coming, base_url=f"http://{name}", follow_redirects=False)


def network(**changes):
    return ServeParams(
        **({"host": "0.0.0.0", "proxy": ("10.0.0.1", "fd00::/64"), "names": ("Pages.example",)} | changes)
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "beamline", "127.1", "", "::ffff:10.0.0.1"])
def test_other_machines_are_not_served_without_somebody_who_asks_who_comes(host):
    with pytest.raises(ValidationError, match=r"serve\.proxy"):
        ServeParams(host=host)
    assert ServeParams(host=host, proxy=("10.0.0.1",)).port == 8642


@pytest.mark.parametrize("proxy", ["beamline", "0.0.0.0/0", "::/0", "10.0.0.1/24", "", "10.0.0.1:80"])
def test_a_proxy_is_an_address(proxy):
    with pytest.raises(ValidationError, match="proxy"):
        ServeParams(proxy=(proxy,))


@pytest.mark.parametrize("proxy", ["127.0.0.1", "::1", "127.0.0.0/8"])
def test_a_proxy_on_this_machine_needs_a_secret(proxy, secret_file):
    with pytest.raises(ValidationError, match=r"serve\.proxy_secret"):
        ServeParams(proxy=(proxy,))
    ServeParams(proxy=(proxy,), proxy_secret=secret_file)


@pytest.mark.parametrize("address", ["10.0.0.1", "::ffff:10.0.0.1", "fd00::7"])
def test_a_proxy_is_believed(keys, address):
    answer = client_of(keys, network(), (address, 5)).get("/page", headers={"x-remote-user": ME})
    assert answer.status_code == 200
    assert answer.text.split()[1] == ME


@pytest.mark.parametrize("address", ["10.0.0.2", "10.0.0.10", "fd01::7", "testclient", "", "10.0.0.1%eth0"])
def test_others_are_not_even_heard(keys, address):
    for forged in ({}, {"x-forwarded-for": "10.0.0.1"}, {"forwarded": "for=10.0.0.1"}):
        client = client_of(keys, network(), (address, 5))
        assert client.get("/page", headers={"x-remote-user": ME} | forged).status_code == 403
        assert client.get("/page", params={"token": keys.token}).status_code == 403


def test_users_of_this_machine_are_not_believed_but_may_have_the_link(keys):
    client = client_of(keys, network(), ("127.0.0.1", 5))
    assert client.get("/page", headers={"x-remote-user": ME}).status_code == 401
    assert client.get("/page", params={"token": keys.token}).status_code == 303
    assert "the holder" in client.get("/page", headers={"x-remote-user": ME}).text


def test_a_proxy_that_names_nobody_lets_nobody_in(keys):
    client = client_of(keys, network(), ("10.0.0.1", 5))
    assert client.get("/page").status_code == 401
    assert client.get("/page", headers={"x-remote-user": ""}).status_code == 401


@pytest.mark.parametrize(
    "name", ["(null)", "nobody-has-this-name", f"{ME}@REALM", "../etc", "a" * 300, "r\xf6\xf6t", " "]
)
def test_users_whom_this_machine_does_not_know_see_nothing(keys, name):
    headers = {"x-remote-user": name.encode("latin-1")}
    assert client_of(keys, network(), ("10.0.0.1", 5)).get("/page", headers=headers).status_code in (401, 403)


def test_a_user_is_named_once(keys):
    client = client_of(keys, network(), ("10.0.0.1", 5))
    assert client.get("/page", headers=[("x-remote-user", ME), ("x-remote-user", "root")]).status_code == 400


def test_the_name_is_what_the_configuration_says(keys):
    said = {"x-remote-user": ME}
    assert client_of(keys, network(), ("10.0.0.1", 5), "PAGES.example:80").get("/page", headers=said).status_code == 200
    for name in ("evil.example", "0.0.0.0", "localhost", "127.0.0.1", "[::]"):
        assert client_of(keys, network(), ("10.0.0.1", 5), name).get("/page", headers=said).status_code == 421


def test_a_proxy_on_this_machine_shows_its_secret(keys, secret_file):
    params = ServeParams(proxy=("127.0.0.1",), proxy_secret=secret_file)
    client = client_of(keys, params, ("127.0.0.1", 5), "localhost")
    assert client.get("/page", headers={"x-remote-user": ME}).status_code == 401
    assert client.get("/page", headers={"x-remote-user": ME, "x-proxy-secret": "another"}).status_code == 401
    assert client.get("/page", headers={"x-remote-user": ME, "x-proxy-secret": SECRET}).status_code == 200


def test_whoever_comes_by_the_unix_socket_is_the_proxy(keys, tmp_path):
    params = ServeParams(socket=tmp_path / "s", names=("pages.example",))
    assert client_of(keys, params, None).get("/page", headers={"x-remote-user": ME}).text.split()[1] == ME


@pytest.mark.parametrize(("mode", "text"), [(0o644, SECRET), (0o604, SECRET), (0o600, "short"), (0o600, "a\nb" * 9)])
def test_a_secret_that_others_know_is_none(keys, secret_file, mode, text):
    secret_file.write_text(text)
    secret_file.chmod(mode)
    with pytest.raises(UnsafeSecret):
        Guard(Starlette(), ServeParams(proxy=("127.0.0.1",), proxy_secret=secret_file), keys)


def test_forms_of_a_user_are_his_own(keys):
    client = client_of(keys, network(), ("10.0.0.1", 5))
    said = {"x-remote-user": ME}
    token = client.get("/page", headers=said).text.split()[0]
    assert client.post("/page", headers=said).status_code == 403
    assert client.post("/page", headers=said | {TOKEN_HEADER: ""}).status_code == 403
    assert client.post("/page", headers=said | {TOKEN_HEADER: keys.form_token("user somebody")}).status_code == 403
    assert client.post("/page", headers=said | {TOKEN_HEADER: token}).status_code == 200


def test_cookies_stay_within_tls(keys, secret_file):
    params = ServeParams(proxy=("127.0.0.1",), proxy_secret=secret_file)
    client = client_of(keys, params, ("127.0.0.1", 5), "localhost")
    said = {"x-forwarded-proto": "https", "x-proxy-secret": SECRET}
    assert "Secure" in client.get("/page", params={"token": keys.token}, headers=said).headers["set-cookie"]
    said["x-proxy-secret"] = "another"
    assert "Secure" not in client.get("/page", params={"token": keys.token}, headers=said).headers["set-cookie"]
