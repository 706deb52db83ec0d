"""The page of a sweep in a browser: plots that answer, by keyboard too, and a log that is followed."""

from __future__ import annotations

import pytest
from queued import RESULT, finished, found, queue_in
from results_for_tests import results

from autoproc.dashboard.app import dashboard, keys_of
from autoproc.dashboard.params import ServeParams
from autoproc.service.job_queue.job import JobState
from autoproc.service.processes.program import this_program
from autoproc.service.results.outputs import Outputs


@pytest.fixture
def queue(tmp_path):
    queue = queue_in(tmp_path)
    for name in ("lyso", "other"):
        finished(queue, name)
        results(Outputs(tmp_path), name, 1, 90.0)
    results(Outputs(tmp_path), "lyso", 2, 95.0)
    yield queue
    queue.close()


@pytest.fixture
def address(served, tmp_path, queue):
    """The address, with the token that lets one browser in."""
    keys = keys_of(Outputs(tmp_path))
    with served(dashboard(Outputs(tmp_path), ServeParams(), keys)) as address:
        yield lambda path="/": f"{address}{path}?token={keys.token}"


def opened(window, address, path, *look):
    page = window(address().split("/?")[0], *look)
    page.goto(address("/healthz").replace("/healthz", "/"))
    page.goto(address().split("/?")[0] + path)
    return page


@pytest.mark.parametrize("size", ["desk", "phone"])
@pytest.mark.parametrize("path", ["/sweeps/lyso", "/compare?of=lyso&of=other"])
def test_plots_come_alive_within_the_window(address, window, path, size):
    page = opened(window, address, path, size, "dark" if size == "phone" else "light")
    page.locator("#scaling").scroll_into_view_if_needed()
    page.locator("figure.alive canvas").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_plots_by_image_share_a_cursor_by_keyboard_and_lead_to_the_image(address, window):
    page = opened(window, address, "/sweeps/lyso")
    page.locator("#scaling").scroll_into_view_if_needed()
    first, second = page.locator(".plot.by-image").nth(0), page.locator(".plot.by-image").nth(1)
    second.wait_for()
    first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    link = page.locator(".way").first
    link.get_by_text("open image").wait_for()
    image = link.inner_text().split()[-1]
    assert link.get_attribute("href") == f"/sweeps/lyso/images?image={image}"
    values = {"1": "1", "2": "1.5", "3": "2"}
    assert values[image] in second.locator(".u-value").nth(1).inner_text()
    page.keyboard.press("+")
    page.keyboard.press("0")


def test_the_log_is_followed_until_the_result(address, window, queue, tmp_path):
    queue.programs.attend(this_program(), ["/data"])
    queue.add(found("new"))
    job = queue.claim(this_program(), 60.0)
    assert job is not None
    outputs = Outputs(tmp_path)
    log = outputs.begin(job) / "autoproc.log"
    log.write_text("spots found\n")
    page = opened(window, address, "/sweeps/new")
    page.get_by_text("spots found").wait_for()
    queue.heartbeat(job, 60.0, "Indexing")
    page.locator("#words").get_by_text("Indexing").wait_for()
    with log.open("a") as file:
        file.write("one lattice\n")
    page.locator("pre.log").get_by_text("one lattice").wait_for()
    log.parent.rename(tmp_path / "moved")
    results(outputs, "new", job.run, 88.0)
    queue.finish(job, JobState.processed, RESULT, {})
    page.get_by_text("88.0%").first.wait_for()


def without_images(page):
    """These results have none: the viewer's page is an empty one."""
    page.route("**/images?*", lambda route: route.fulfill(body="<title>images</title>", content_type="text/html"))
    return page


def test_a_map_is_one_stop_of_the_keyboard_and_leads_to_its_reflections(address, window):
    page = without_images(opened(window, address, "/sweeps/lyso"))
    page.locator("svg.map a.cell[tabindex='0']").wait_for(state="attached")
    cells = page.locator("svg.map a.cell")
    assert cells.count() == 3
    assert page.locator("svg.map a.cell[tabindex='0']").count() == 1
    cells.first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")  # there is nothing: it stays
    href = page.evaluate("document.activeElement.getAttribute('href')")
    assert href == "/sweeps/lyso/images?stage=refined&order=residual&region=50,100,40,80"
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address().split('/?')[0]}{href}")


def test_a_point_of_a_plot_by_resolution_leads_to_the_reflections_of_its_shell(address, window):
    page = without_images(opened(window, address, "/sweeps/lyso"))
    figure = page.locator("figure", has=page.get_by_text("Completeness", exact=True))
    figure.scroll_into_view_if_needed()
    figure.locator(".plot.leads").focus()
    page.keyboard.press("ArrowRight")
    figure.locator(".way").get_by_text("reflections from 5.10 to 1.90").wait_for()
    assert figure.locator(".way").get_attribute("href") == "/sweeps/lyso/images?stage=scaled&d=5.1,1.9"
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address().split('/?')[0]}/sweeps/lyso/images?stage=scaled&d=5.1,1.9")
