"""Nobody gets in who does not belong, and nothing is done that no page of ours has asked for."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from autoproc.dashboard.access.guard import TOKEN_FIELD, TOKEN_HEADER, Guard
from autoproc.dashboard.access.keys import Keys
from autoproc.dashboard.params import ServeParams

HOST = "http://127.0.0.1:8642"


async def told(request: Request) -> PlainTextResponse:
    body = (await request.body()).decode()
    viewer = request.scope["viewer"]
    return PlainTextResponse(f"{request.scope['form_token']} {body} viewer={viewer.name} all={viewer.sees_all}")


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
def test_another_cookie_lets_nobody_in(client, keys, cookie):
    client.cookies.set(keys.cookie_name, cookie)
    assert client.get("/page").status_code == 401


def test_a_cookie_of_another_folder_lets_nobody_in(client, keys):
    other = Keys("another secret")
    assert other.cookie_name != keys.cookie_name
    client.cookies.set(keys.cookie_name, other.exchange(other.token))
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
    assert known.post("/page", headers=headers, content=b"x" * (1 << 20)).status_code == 413


def test_every_answer_has_the_policy(client, known):
    for answer in (known.get("/page"), known.get("/nowhere"), client.post("/page")):
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]


def test_more_fields_than_any_form_has_are_refused(known):
    fields = "&".join(f"a{n}=" for n in range(1001)) + f"&{TOKEN_FIELD}={form_token(known)}"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert known.post("/page", headers=headers, content=fields).status_code == 403


@pytest.mark.parametrize("name", ["host", "origin", TOKEN_HEADER, "x-remote-user", "content-type"])
def test_what_decides_is_said_once(known, name):
    token = form_token(known)
    headers = [("host", "127.0.0.1"), (TOKEN_HEADER, token), ("content-type", "text/plain")]
    told = dict(headers).get(name, "http://127.0.0.1")
    assert known.post("/page", headers=[*headers, (name, told), (name, told)]).status_code == 400


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW"])
def test_pages_are_asked_for_in_three_ways(known, method):
    answer = known.request(method, "/page", headers={TOKEN_HEADER: form_token(known)})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8643"},
        {"origin": "http://[::1"},
        {"origin": "http://user@127.0.0.1:8642"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_what_other_sites_have_browsers_post_is_refused(known, headers):
    assert known.post("/page", headers={TOKEN_HEADER: form_token(known)} | headers).status_code == 403


def test_what_a_browser_posts_from_a_page_of_ours_is_taken(known):
    headers = {TOKEN_HEADER: form_token(known), "origin": HOST, "sec-fetch-site": "same-origin"}
    assert known.post("/page", headers=headers).status_code == 200


def test_browsers_say_where_a_form_comes_from(known):
    assert known.get("/page").headers["referrer-policy"] == "same-origin"


def test_the_token_of_another_browser_does_not_do(client, keys, known):
    other = client_of(keys)
    other.get("/page", params={"token": keys.token})
    assert other.post("/page", headers={TOKEN_HEADER: form_token(known)}).status_code == 403


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example", "///evil.example", "/%5cevil.example"])
def test_a_link_leads_nowhere_else(client, keys, path):
    answer = client.get(f"{HOST}{path}?token={keys.token}")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/evil.example")


def test_the_link_keeps_what_else_its_address_says(client, keys):
    answer = client.get(f"/page?q=a%26b&token={keys.token}&x=")
    assert answer.headers["location"] == "/page?q=a%26b&x="


def test_who_only_asks_for_the_head_of_a_link_does_not_use_it(client, keys):
    assert client.head("/page", params={"token": keys.token}).status_code == 401
    assert client.get("/page", params={"token": keys.token}).status_code == 303


def test_a_link_that_was_used_is_told_of_once(client, keys):
    told = []
    keys.on_use = lambda: told.append(keys.token)
    first = keys.token
    client.get("/page", params={"token": "another"})
    assert told == []
    client.get("/page", params={"token": first})
    assert told == [keys.token] != [first]
    assert client_of(keys).get("/page", params={"token": keys.token}).status_code == 303


def test_who_leaves_is_known_no_longer(known, keys):
    cookie = known.cookies[keys.cookie_name]
    assert known.post("/leave").status_code == 403
    assert known.post("/leave", headers={TOKEN_HEADER: form_token(known)}).status_code == 200
    assert keys.cookie_name not in known.cookies
    known.cookies.set(keys.cookie_name, cookie)
    assert known.get("/page").status_code == 401


def test_a_copy_of_the_cookie_spelt_otherwise_has_left_too(known, keys):
    cookie = known.cookies[keys.cookie_name]
    keys.leave(cookie)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_="
    assert not any(keys.knows(cookie[:-1] + letter) or keys.knows(cookie + letter) for letter in letters)


def test_programs_have_a_key(client, keys):
    said = {"authorization": f"Bearer {keys.program_key}"}
    assert client.get("/page", headers=said).status_code == 200
    assert client.post("/page", headers=said).status_code == 200
    assert client.get("/page", headers={"authorization": "Bearer no"}).status_code == 401
    assert client.get("/page", headers={"authorization": f"Basic {keys.program_key}"}).status_code == 401
    assert Keys("another secret").program_key != keys.program_key


@pytest.mark.parametrize(("said", "sent"), [("max-age=9", "private, max-age=9"), (None, "private, no-cache")])
def test_nobody_on_the_way_keeps_an_answer(keys, said, sent):
    async def kept(_: Request) -> PlainTextResponse:
        return PlainTextResponse("", headers={"cache-control": said} if said else {})

    app = Starlette(routes=[Route("/page", kept)])
    client = TestClient(Guard(app, ServeParams(), keys), base_url=HOST)
    answer = client.get("/page", headers={"authorization": f"bearer {keys.program_key}"})
    assert answer.headers["cache-control"] == sent


@pytest.mark.parametrize(("scope", "sent"), [("websocket", ["websocket.close"]), ("quic", [])])
def test_nothing_but_pages_gets_through(keys, scope, sent):
    reached, told = [], []

    async def app(*_: object) -> None:
        reached.append(scope)

    async def send(message):
        told.append(message["type"])

    asyncio.run(Guard(app, ServeParams(), keys)({"type": scope}, None, send))
    assert (reached, told) == ([], sent)


@given(
    method=st.sampled_from(["GET", "HEAD", "POST"]),
    path=st.binary(max_size=40),
    query=st.binary(max_size=40),
    headers=st.lists(
        st.tuples(
            st.sampled_from([b"host", b"cookie", b"origin", b"authorization", b"content-length", b"x-remote-user",
                             b"x-form-token", b"content-type"]),
            st.sampled_from([b"127.0.0.1", b"[::1]:80", b"localhost"]) | st.binary(max_size=30),
        ),
        max_size=6,
    ),
    body=st.binary(max_size=60),
)  # fmt: skip
@settings(max_examples=400)
def test_whatever_comes_without_a_key_is_refused(method, path, query, headers, body):
    reached, told = [], []

    async def app(*_: object) -> None:
        reached.append(True)

    async def send(message):
        told.append(message)

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {
        "type": "http", "method": method, "path": "/" + path.decode("utf-8", "replace"), "query_string": query,
        "headers": headers, "scheme": "http", "client": ("127.0.0.1", 4), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    asyncio.run(Guard(app, ServeParams(), Keys("a secret"))(scope, receive, send))
    assert reached == []
    assert 400 <= told[0]["status"] < 500
