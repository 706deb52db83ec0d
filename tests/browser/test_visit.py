"""The page of a visit in a browser: it shows what happens as it happens, and works by keyboard and without scripts."""

from __future__ import annotations

import pytest
from queued import RESULT, begun, finished, found, queue_in

from autoproc.dashboard.app import dashboard, keys_of
from autoproc.dashboard.params import ServeParams
from autoproc.service.job_queue.job import JobState
from autoproc.service.job_queue.programs_at_work import Arriving
from autoproc.service.processes.program import this_program
from autoproc.service.results.outputs import Outputs


@pytest.fixture
def queue(tmp_path):
    queue = queue_in(tmp_path)
    for number in range(4):
        finished(queue, f"lyso_{number}", verdict=("good", "look")[number % 2], look_at=["ice rings"] * (number % 2))
    finished(queue, "broken", status="failed", error="no spots", verdict=None)
    yield queue
    queue.close()


@pytest.fixture
def address(served, tmp_path, queue):
    """The address, with the token that lets one browser in."""
    keys = keys_of(Outputs(tmp_path))
    with served(dashboard(Outputs(tmp_path), ServeParams(), keys)) as address:
        yield lambda path="/": f"{address}{path}?token={keys.token}"


def names(page):
    return page.locator("#rows .name > a").all_text_contents()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desk", "phone"])
def test_nothing_is_wider_than_the_window(window, address, queue, size, scheme):
    queue.add(found("a_name_that_is_as_long_as_those_which_robots_give_to_their_samples_0001"))
    page = window(address().split("/?")[0], size, scheme)
    page.goto(address())
    assert page.locator("#rows .sweep").count() == 6
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_sweep_is_followed_from_its_first_image_to_its_result(window, address, queue):
    page = window(address().split("/?")[0])
    page.goto(address())
    me = this_program()
    queue.programs.attend(me, ["/data"])
    page.get_by_text("watching /data").wait_for()
    queue.programs.show(me, [Arriving("/data/new_####.cbf", "new", 17, "images are coming", None)])
    page.locator("#arriving").get_by_text("17 so far").wait_for()
    queue.add(found("new"))
    page.locator("#rows .is-queued").get_by_text("new").wait_for()
    job = queue.claim(me, 60.0)
    queue.heartbeat(job, 60.0, "Integrating 40%")
    running = page.locator("#rows tr:first-child.is-running")
    running.get_by_text("Integrating").wait_for()
    assert running.locator("progress").get_attribute("value") == "40"
    before = running.locator("time.elapsed").text_content()
    page.wait_for_function("was => document.querySelector('time.elapsed').textContent !== was", arg=before)
    queue.finish(job, JobState.processed, RESULT | {"space_group": "P 2"}, {})
    page.locator("#rows tr:first-child.is-processed").get_by_text("P 2").wait_for()
    assert page.locator("[data-count=good] b").text_content() == "3"


def test_the_first_sweeps_of_a_visit_are_counted_as_they_come(window, served, tmp_path):
    first = queue_in(tmp_path)
    keys, me = keys_of(Outputs(tmp_path)), this_program()
    with served(dashboard(Outputs(tmp_path), ServeParams(), keys)) as address:
        page = window(address)
        page.goto(f"{address}/?token={keys.token}")
        page.get_by_text("No sweeps yet").wait_for()
        first.programs.attend(me, ["/data"])
        first.programs.show(me, [Arriving("/data/new_####.cbf", "new", 17, "images are coming", None)])
        page.locator("#arriving").get_by_text("17 so far").wait_for()
        assert page.get_by_text("No sweeps yet").is_hidden()
        finished(first, "split", verdict="look", look_at=["lattices"])
        finished(first, "whole", verdict="good", look_at=[])
        page.locator("#rows").get_by_text("whole").wait_for()
        page.locator(".sheets").get_by_text("1 to 2 of 2").wait_for()
        page.locator("[data-count=look_closer]").get_by_text("1").wait_for()
        page.goto("about:blank")  # before the server ends
    first.close()


def test_a_program_that_is_killed_is_missed_at_once(window, address, queue, monkeypatch):
    queue.programs.attend(this_program(), ["/data"])
    queue.add(found("left"))
    queue.claim(this_program(), 60.0)
    page = window(address().split("/?")[0])
    page.goto(address())
    page.locator(".is-running").wait_for()
    for module in ("job_queue.programs_at_work", "processes.program"):
        monkeypatch.setattr(f"autoproc.service.{module}.is_dead", lambda program: True)
    page.locator(".is-interrupted").get_by_text("autoproc run").wait_for()
    page.get_by_text("no run is processing").wait_for()


def test_lists_change_without_loading_the_page_and_can_be_gone_back_to(window, address):
    page = window(address().split("/?")[0])
    page.goto(address())
    page.evaluate("window.isTheSame = true")
    page.locator("[data-count=look_closer]").click()
    page.wait_for_url("**/?verdict=look")
    assert names(page) == ["lyso_3", "lyso_1"]
    page.get_by_role("searchbox").fill("o_1")
    page.wait_for_url("**/?q=o_1&verdict=look")
    assert names(page) == ["lyso_1"]
    assert page.evaluate("document.activeElement.value") == "o_1"
    page.go_back()
    page.wait_for_function("() => document.querySelectorAll('#rows .sweep').length === 2")
    assert page.evaluate("window.isTheSame")


def test_the_keyboard_alone_suffices(window, address, queue):
    page = window(address().split("/?")[0])
    page.goto(address())
    menu = page.locator("[data-name=broken] summary")
    menu.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert page.locator("details[open]").count() == 0
    page.keyboard.press("Enter")
    page.locator("[data-name=broken]").get_by_role("button", name="Try again").focus()
    page.keyboard.press("Enter")
    page.locator("[data-name=broken].is-queued").wait_for()
    assert queue.named("broken").state == JobState.queued


def test_it_works_without_scripts(chromium, address, queue):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address())
    page.get_by_role("link", name="d min").click()
    page.get_by_role("searchbox").fill("broken")
    page.get_by_role("button", name="Find").click()
    page.wait_for_url("**/?*q=broken*")
    assert names(page) == ["broken"]
    page.locator("[data-name=broken] summary").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Try again").click()
    assert page.url.endswith("/?q=broken&sort=d_min&way=up")
    assert queue.named("broken").state == JobState.queued
    context.close()


def test_what_changed_while_nobody_looked_is_caught_up(window, address, queue):
    page = window(address().split("/?")[0])
    page.goto(address())
    page.locator("#rows").wait_for()
    hide = "isHidden => { Object.defineProperty(document, 'hidden', { value: isHidden, configurable: true }); document.dispatchEvent(new Event('visibilitychange')); }"  # noqa: E501
    page.evaluate(hide, True)
    queue.add(found("meanwhile"))
    begun(queue)
    page.evaluate(hide, False)
    page.locator("[data-name=meanwhile].is-running").wait_for()


def test_a_list_of_some_shows_what_belongs_into_it_and_nothing_else(window, address, queue):
    page = window(address().split("/?")[0])
    page.goto(address())
    page.goto(f"{address().split('/?')[0]}/?state=failed")
    finished(queue, "fine")
    page.locator("[data-count=good] b").get_by_text("3").wait_for()
    assert names(page) == ["broken"]
    finished(queue, "broken_too", status="failed", error="no spots", verdict=None)
    page.locator("#rows").get_by_text("broken_too").wait_for()
    queue.retry("broken")
    page.locator("#rows").get_by_text("broken", exact=True).wait_for(state="detached")
    assert names(page) == ["broken_too"]
