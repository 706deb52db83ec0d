"""Nobody gets in who does not belong, and nothing is done that no page of ours has asked for."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from autoproc.dashboard.guard import COOKIE, TOKEN_FIELD, TOKEN_HEADER, Guard, Keys
from autoproc.dashboard.params import ServeParams

HOST = "http://127.0.0.1:8642"


async def told(request: Request) -> PlainTextResponse:
    body = (await request.body()).decode()
    return PlainTextResponse(f"{request.scope['form_token']} {body}")


@pytest.fixture
def keys():
    return Keys("a secret")


def client_of(keys, params=None):
    routes = [Route("/page", told, methods=["GET", "POST"])]
    app = Starlette(routes=routes, middleware=[Middleware(Guard, params=params or ServeParams(), keys=keys)])
    return TestClient(app, base_url=HOST, follow_redirects=False)


@pytest.fixture
def client(keys):
    return client_of(keys)


@pytest.fixture
def known(client, keys):
    client.get("/page", params={"token": keys.token})
    return client


def form_token(client):
    return client.get("/page").text.split()[0]


def test_without_a_cookie_nothing_is_shown(client):
    assert client.get("/page").status_code == 401


def test_the_link_lets_one_browser_in_once(client, keys):
    token = keys.token
    answer = client.get("/page", params={"token": token})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/page"
    assert client.get("/page").status_code == 200
    assert client_of(keys).get("/page", params={"token": token}).status_code == 401


def test_the_cookie_is_for_this_server_and_no_script(client, keys):
    cookie = client.get("/page", params={"token": keys.token}).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


@pytest.mark.parametrize("token", ["", "no", "\xe9", "a" * 10000])
def test_another_token_lets_nobody_in(client, token):
    assert client.get("/page", params={"token": token}).status_code == 401


@pytest.mark.parametrize("cookie", ["", "no", "eyJicm93c2VyIjoiYSJ9.aSt.x"])
def test_another_cookie_lets_nobody_in(client, cookie):
    client.cookies.set(COOKIE, cookie)
    assert client.get("/page").status_code == 401


def test_a_cookie_of_another_folder_lets_nobody_in(client):
    other = Keys("another secret")
    client.cookies.set(COOKIE, other.exchange(other.token))
    assert client.get("/page").status_code == 401


def test_a_cookie_is_known_after_a_restart(known):
    again = client_of(Keys("a secret"))
    again.cookies.update(known.cookies)
    assert again.get("/page").status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8642", "", "[::1"])
def test_names_of_strangers_are_refused(known, host):
    assert known.get("/page", headers={"host": host}).status_code in (400, 421)


def test_a_post_without_our_token_is_refused(known):
    assert known.post("/page").status_code == 403
    assert known.post("/page", data={TOKEN_FIELD: "0" * 64}).status_code == 403


def test_a_form_of_ours_comes_through_whole(known):
    token = form_token(known)
    answer = known.post("/page", data={TOKEN_FIELD: token, "name": "a b"})
    assert answer.status_code == 200
    assert "name=a+b" in answer.text


def test_a_program_sends_the_token_in_a_header(known):
    assert known.post("/page", headers={TOKEN_HEADER: form_token(known)}, json={"a": 1}).status_code == 200


def test_a_post_from_elsewhere_is_refused_even_with_the_token(known):
    headers = {TOKEN_HEADER: form_token(known), "origin": "http://evil.example"}
    assert known.post("/page", headers=headers).status_code == 403


def test_more_than_any_form_is_refused(known):
    headers = {TOKEN_HEADER: form_token(known)}
    assert known.post("/page", headers=headers, content=b"x" * (1 << 20)).status_code == 403


def test_every_answer_has_the_policy(client, known):
    for answer in (known.get("/page"), known.get("/nowhere"), client.post("/page")):
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]


def test_other_machines_are_not_served_without_somebody_who_asks_who_comes():
    with pytest.raises(ValueError, match=r"serve\.proxy"):
        ServeParams(host="0.0.0.0")
    assert ServeParams(host="0.0.0.0", proxy=("10.0.0.1",)).port == 8642
