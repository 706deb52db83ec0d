"""Every page there is: on a desk and a phone, by day and by night, with a mouse or without."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from asked import paths_of
from visited import FAILED, LIVE, RUNNING, SWEEP, WAITING, visited_while_collected

from autoproc.dashboard.access.keys import Keys
from autoproc.dashboard.app import dashboard
from autoproc.dashboard.params import ServeParams
from autoproc.service.results.outputs import Outputs

LOOKED_OVER = (Path(__file__).parent / "looked_over.js").read_text()
CONTROLS = """() => {
    const shown = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length;
    const selector = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
    return [...document.querySelectorAll(selector)]
        .filter((element) => shown(element) && !element.disabled && element.tabIndex >= 0)
        .filter((element) => element.type !== "radio" || element.checked)
        .map((element, n) => { element.dataset.tried = n; return element.outerHTML.slice(0, 120); });
}"""
LISTEN = """() => {
    window.reached = new Set();
    window.withoutRing = new Set();
    document.addEventListener("focusin", ({ target }) => {
        if (target.dataset.tried === undefined) return;
        const style = getComputedStyle(target);
        window.reached.add(Number(target.dataset.tried));
        const ring = style.outlineStyle !== "none" || style.boxShadow !== "none";
        if (!ring) window.withoutRing.add(Number(target.dataset.tried));
    });
}"""
REACHED = "() => [[...window.reached], [...window.withoutRing]]"
AT_A_TIME = 10
"""Presses of a key between two looks at what they have reached."""


@pytest.fixture(scope="module")
def site(tmp_path_factory, served):
    keys = Keys("secret of the tests, long enough")
    app = dashboard(Outputs(visited_while_collected(tmp_path_factory)), ServeParams(), keys)
    with served(app) as address:
        yield app, keys, address


@pytest.fixture(scope="module")
def pages(site, chromium):
    """Addresses of all pages."""
    app, keys, address = site
    context = chromium.new_context(extra_http_headers={"authorization": f"Bearer {keys.program_key}"})
    paths = [path for path, method in paths_of(app, {"name": SWEEP}) if method == "GET" and path != "/api/events"]
    paths += [f"/{LIVE}", "/?q=nothing-of-this-name", "/?group=folder", f"/compare?of={SWEEP}&of={FAILED}"]
    paths += [f"/sweeps/{name}" for name in (FAILED, RUNNING, WAITING)]
    found = []
    for path in dict.fromkeys(paths):
        answer = context.request.get(address + path, max_retries=2)
        if answer.status == 200 and answer.headers["content-type"].startswith("text/html"):
            whole = "<!doctype html" in answer.text()[:20].lower()
            found += [path] if whole else []
    context.close()
    return found


@dataclass
class Seen:
    """What was found amiss on pages, by path: words of looked_over.js; controls without a way to them, or a ring."""

    amiss: dict = field(default_factory=dict)
    missed: dict = field(default_factory=dict)
    unseen: dict = field(default_factory=dict)

    def look_over(self, window, path) -> None:
        """By day and by night."""
        for scheme in ("light", "dark"):
            window.page.emulate_media(color_scheme=scheme)
            if found := window.page.evaluate(LOOKED_OVER):
                self.amiss[path, scheme] = found

    def go_through(self, window, path) -> None:
        """From control to control by the tabulator key."""
        page = window.page
        controls = page.evaluate(CONTROLS)
        page.evaluate(LISTEN)
        reached, without_ring = [], []
        for _ in range(0, 2 * len(controls) + 40, AT_A_TIME):  # what scrolls is stopped at too
            for _ in range(AT_A_TIME):
                page.keyboard.press("Tab")
            reached, without_ring = page.evaluate(REACHED)
            if len(reached) == len(controls):
                break
        self.missed |= {path: left} if (left := [c for n, c in enumerate(controls) if n not in reached]) else {}
        self.unseen |= {path: [controls[n] for n in without_ring]} if without_ring else {}


def seen_at(lasting_window, site, pages, size, is_gone_through) -> Seen:
    """All pages, each opened once."""
    _, keys, address = site
    window, seen = lasting_window(address, size), Seen()
    window.page.goto(f"{address}/?token={keys.token}")
    for path in pages:
        window.page.goto(address + path)
        window.settle()
        seen.look_over(window, path)
        if is_gone_through:
            seen.go_through(window, path)
    return seen


@pytest.fixture(scope="module")
def at_desk(lasting_window, site, pages):
    return seen_at(lasting_window, site, pages, "desk", True)


@pytest.fixture(scope="module")
def on_phone(lasting_window, site, pages):
    return seen_at(lasting_window, site, pages, "phone", False)


def test_there_are_pages(pages):
    expected = {"/", f"/sweeps/{SWEEP}", f"/sweeps/{SWEEP}/images", f"/sweeps/{SWEEP}/lattice"}
    assert expected <= set(pages)


@pytest.mark.parametrize("size", ["at_desk", "on_phone"])
def test_each_is_well(request, size):
    assert request.getfixturevalue(size).amiss == {}


def test_each_is_used_without_a_mouse(at_desk):
    assert at_desk.missed == {}
    assert at_desk.unseen == {}


def test_a_link_lets_a_browser_in_once(chromium, site):
    _, keys, address = site
    link = f"{address}/?token={keys.token}"
    first, second = chromium.new_context(), chromium.new_context()
    page = first.new_page()
    page.goto(link)
    assert page.url == f"{address}/"
    assert second.new_page().goto(link).status == 401
    page.click("footer button")
    assert "not known any more" in page.text_content("body")
    assert page.goto(f"{address}/").status == 401
    first.close()
    second.close()


def test_a_form_of_another_site_does_nothing(chromium, site, served):
    from starlette.applications import Starlette
    from starlette.responses import HTMLResponse
    from starlette.routing import Route

    _, keys, address = site

    async def stranger(_):
        return HTMLResponse(
            f'<form method="post" action="{address}/sweeps/{WAITING}/cancel"><button>win</button></form>'
        )

    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{address}/?token={keys.token}")
    with served(Starlette(routes=[Route("/", stranger)])) as elsewhere:
        page.goto(elsewhere.replace("127.0.0.1", "localhost"))
        with page.expect_navigation() as went:
            page.click("button")
        assert went.value.status in (401, 403)
        assert page.goto(f"{address}/sweeps/{WAITING}").status == 200
    assert "cancelled" not in page.text_content("main")
    context.close()
