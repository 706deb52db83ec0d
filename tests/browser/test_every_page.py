"""Every page there is: on a desk and a phone, by day and by night, with a mouse or without."""

from __future__ import annotations

from pathlib import Path

import pytest
from asked import paths_of
from visited import FAILED, RUNNING, SWEEP, WAITING, visited

from autoproc.dashboard.access.keys import Keys
from autoproc.dashboard.app import dashboard
from autoproc.dashboard.params import ServeParams
from autoproc.service.processing.outputs import Outputs

LOOKED_OVER = (Path(__file__).parent / "looked_over.js").read_text()
SETTLED = 300
"""Milliseconds in which a page's scripts have drawn what they draw at first."""
CONTROLS = """() => {
    const shown = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length;
    const selector = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']";
    return [...document.querySelectorAll(selector)]
        .filter((element) => shown(element) && !element.disabled && element.tabIndex >= 0)
        .filter((element) => element.type !== "radio" || element.checked)
        .map((element, n) => { element.dataset.tried = n; return element.outerHTML.slice(0, 120); });
}"""
FOCUSED = """() => {
    const { activeElement: element } = document, style = getComputedStyle(element);
    const ring = style.outlineStyle !== "none" || style.boxShadow !== "none";
    return [element.dataset.tried ?? null, ring];
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory, served):
    keys = Keys("secret of the tests, long enough")
    app = dashboard(Outputs(visited(tmp_path_factory)), ServeParams(), keys)
    with served(app) as address:
        yield app, keys, address


@pytest.fixture(scope="module")
def pages(site, chromium):
    """Addresses of all pages."""
    app, keys, address = site
    context = chromium.new_context(extra_http_headers={"authorization": f"Bearer {keys.program_key}"})
    paths = [path for path, method in paths_of(app, {"name": SWEEP}) if method == "GET" and path != "/api/events"]
    paths += ["/?q=nothing-of-this-name", "/?group=folder", f"/compare?of={SWEEP}&of={FAILED}"]
    paths += [f"/sweeps/{name}" for name in (FAILED, RUNNING, WAITING)]
    found = []
    for path in dict.fromkeys(paths):
        answer = context.request.get(address + path)
        if answer.status == 200 and answer.headers["content-type"].startswith("text/html"):
            whole = "<!doctype html" in answer.text()[:20].lower()
            found += [path] if whole else []
    context.close()
    return found


def opened(window, site, path, size="desk"):
    _, keys, address = site
    page = window(address, size)
    page.goto(f"{address}/?token={keys.token}")
    page.goto(address + path)
    page.wait_for_timeout(SETTLED)
    return page


def test_there_are_pages(pages):
    expected = {"/", f"/sweeps/{SWEEP}", f"/sweeps/{SWEEP}/images", f"/sweeps/{SWEEP}/lattice"}
    assert expected <= set(pages)


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_each_is_well(window, site, pages, size):
    page, amiss = opened(window, site, "/", size), {}
    for path in pages:
        page.goto(site[2] + path)
        page.wait_for_timeout(SETTLED)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            if found := page.evaluate(LOOKED_OVER):
                amiss[path, scheme] = found
    assert amiss == {}


def test_each_is_used_without_a_mouse(window, site, pages):
    page, missed, unseen = opened(window, site, "/"), {}, {}
    for path in pages:
        page.goto(site[2] + path)
        page.wait_for_timeout(SETTLED)
        controls = page.evaluate(CONTROLS)
        reached, without_ring = set(), set()
        for _ in range(2 * len(controls) + 40):  # what scrolls is stopped at too
            if len(reached) == len(controls):
                break
            page.keyboard.press("Tab")
            number, has_ring = page.evaluate(FOCUSED)
            if number is not None:
                reached.add(int(number))
                without_ring |= set() if has_ring else {controls[int(number)]}
        left = [control for n, control in enumerate(controls) if n not in reached]
        missed |= {path: left} if left else {}
        unseen |= {path: without_ring} if without_ring else {}
    assert missed == {}
    assert unseen == {}


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
