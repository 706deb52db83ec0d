"""A sweep from its first image to its result, on a page that nobody touches."""

from __future__ import annotations

import pytest
from queued import RESULT, begun, finished, found, queue_in

from autoproc.dashboard.access.keys import Keys
from autoproc.dashboard.app import dashboard
from autoproc.dashboard.params import ServeParams
from autoproc.service.job_queue.job import JobState
from autoproc.service.job_queue.programs_at_work import Arriving
from autoproc.service.processes.program import this_program
from autoproc.service.results.outputs import Outputs


@pytest.fixture
def queue(tmp_path):
    queue = queue_in(tmp_path)
    queue.programs.attend(this_program(), ["/data"])
    yield queue
    queue.close()


def test_what_happens_is_seen(window, served, queue, tmp_path):
    finished(queue, "earlier")
    keys = Keys("secret of the tests, long enough")
    with served(dashboard(Outputs(tmp_path), ServeParams(), keys)) as address:
        page = window(address)
        page.route("**/thumbnail.png*", lambda route: route.fulfill(status=204))
        page.goto(f"{address}/?token={keys.token}")
        page.evaluate("window.isTheSame = true")

        def seen(kind, words):
            page.wait_for_selector(f"tr.is-{kind}:has-text('{words}')")

        seen("processed", "earlier")
        queue.programs.show(this_program(), [Arriving("/data/lyso_####.cbf", "lyso", 12, "78 images to come", None)])
        seen("arriving", "78 images to come")
        queue.add(found("lyso"))
        seen("queued", "lyso")
        job = begun(queue)
        queue.heartbeat(job, 3600.0, "integrate")
        seen("running", "lyso")
        queue.finish(job, JobState.processed, RESULT | {"space_group": "P 43 21 2"}, {})
        seen("processed", "P 43 21 2")
        assert page.locator("tr.sweep").count() == 2
        assert page.evaluate("window.isTheSame")
