"""A sweep while it is collected, on pages that nobody touches."""

from __future__ import annotations

import pytest
from queued import queue_in

from autoproc.dashboard.access.keys import Keys
from autoproc.dashboard.app import dashboard
from autoproc.dashboard.params import ServeParams
from autoproc.service.following.followed import Followed
from autoproc.service.following.live_folder import LiveFolder, key_of
from autoproc.service.job_queue.programs_at_work import Arriving
from autoproc.service.processes.program import this_program
from autoproc.service.results.outputs import Outputs

PATH = "/data/lyso_####.cbf"


class Collected:
    """A sweep whose images come when a test says so."""

    def __init__(self, output):
        self.queue = queue_in(output)
        self.queue.programs.attend(this_program(), ["/data"])
        self.queue.programs.show(this_program(), [Arriving(PATH, "lyso", 12, "78 images to come", None)])
        self.now = 0.0
        self.live = LiveFolder(Outputs(output), lambda: self.now)
        self.followed = Followed(PATH, "lyso")

    def images(self, first, last, level=4.0, **changes):
        images = [(n, 100 + n % 7, 1.5 + 0.01 * (n % 5), 2, 3, level) for n in range(first, last + 1)]
        said = {
            "n_there": last,
            "n_planned": 900,
            "n_waiting": 0,
            "n_integrated": 0,
            "every": 1,
            "width": 0.1,
            "images": images,
        }
        self.tell({"message": "followed"} | said | changes)

    def probe(self, light, *words):
        report = {"rotation": 15.0, "n_images": 30}
        self.tell({"message": "probed", "light": light, "words": words, "report": report})

    def tell(self, message):
        self.now += 2.0
        self.followed.take([message])
        self.live.tell(self.followed)
        self.live.poll()


@pytest.fixture
def collected(tmp_path):
    one = Collected(tmp_path)
    yield one
    one.live.close()
    one.queue.close()


@pytest.fixture
def site(served, tmp_path, collected):
    keys = Keys("secret of the tests, long enough")
    with served(dashboard(Outputs(tmp_path), ServeParams(), keys)) as address:
        yield address, keys


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_the_visit_shows_what_the_images_show(window, site, collected, size):
    address, keys = site
    page = window(address, size)
    page.goto(f"{address}/?token={keys.token}")
    page.evaluate("window.isTheSame = true")
    collected.images(1, 40)
    page.wait_for_selector("#live .signal.open:has-text('WAIT')")
    page.wait_for_selector("#live .amount:has-text('40 of 900 images')")
    assert page.locator("#live .spark path").count() == 5
    collected.images(41, 60, level=0.0, n_there=75, n_waiting=15, every=4)
    collected.probe("stop", "stop: no lattice")
    page.wait_for_selector("#live .signal.bad:has-text('STOP')")
    page.wait_for_selector("#live .remarks:has-text('No beam on 20 images: 41 to 60')")
    page.wait_for_selector("#live .remarks:has-text('15 not searched yet, every 4th first')")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    collected.live.lead_on(PATH, "lyso_2")
    page.wait_for_selector("#live h2 a[href='/sweeps/lyso_2']")
    collected.live.close()
    page.wait_for_selector("#live", state="hidden")
    assert page.evaluate("window.isTheSame")


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_its_own_page_can_be_read_from_across_the_room(window, site, collected, size):
    address, keys = site
    page = window(address, size)
    page.request.get(f"{address}/?token={keys.token}", max_redirects=0)
    collected.images(1, 40)
    page.goto(f"{address}/live/{key_of(PATH)}")
    page.wait_for_function("() => document.querySelectorAll('#charts .u-over').length === 4")
    collected.images(41, 10_000)
    collected.probe("look", "second lattice, 20% of the spots", "complete at 40 degrees in 4/mmm")
    page.wait_for_selector(".signal.look:has-text('LOOK')")
    page.wait_for_selector(".more:has-text('complete at 40 degrees in 4/mmm; after 15° of rotation')")
    page.wait_for_selector(".remarks:has-text('the median of 50 images')")
    height = page.evaluate("parseFloat(getComputedStyle(document.querySelector('.signal b')).fontSize)")
    assert height >= (60 if size == "desk" else 45)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("#charts .u-over").count() == 4  # the same charts, with other numbers


def test_what_it_comes_to_so_far_and_what_is_made_ahead_is_said(window, site, collected):
    address, keys = site
    page = window(address)
    collected.images(1, 450)
    page.goto(f"{address}/?token={keys.token}")
    page.goto(f"{address}/live/{key_of(PATH)}")
    collected.tell({"message": "provisional", "words": "so far (50% of the images): little", "report": {}})
    page.wait_for_selector("text=So far (50% of the images): little")
    collected.tell({"message": "ahead", "doing": "Integrating 40%"})
    page.wait_for_selector("text=Processed in case no more images come: Integrating 40%")


def test_a_sweep_that_will_not_be_probed_is_said(window, site, collected):
    address, keys = site
    page = window(address)
    collected.images(1, 40, n_planned=100)
    page.goto(f"{address}/?token={keys.token}")
    page.wait_for_selector("#live :text('not probed: 10 degrees are planned, and 15 are needed')")
