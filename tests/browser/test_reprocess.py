"""A sweep processed again from its page: the new results stand, those of before are kept, and both can be compared."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from visited import SWEEP, visited

from autoproc.dashboard.app import dashboard, keys_of
from autoproc.dashboard.params import ServeParams
from autoproc.service.job_queue.job import JobState
from autoproc.service.queue_file import queue_there
from autoproc.service.results.outputs import Outputs

LIMIT = 3.5
"""Angstrom; the images reach 2.8."""


@pytest.fixture
def output(tmp_path_factory, tmp_path):
    """A copy of the visit, in which something may be changed."""
    return Path(shutil.copytree(visited(tmp_path_factory), tmp_path / "processed"))


def worked_off(output):
    """What waits for its turn is processed, by the program itself."""
    queue = queue_there(Outputs(output))
    images = Path(queue.named(SWEEP).path).parent
    queue.close()
    command = [sys.executable, "-m", "autoproc", "run", str(images), "--once", "--output", str(output), "-j", "1"]
    subprocess.run(command, check=True, capture_output=True, timeout=300)


def test_a_sweep_is_processed_again_beside_what_is_kept_of_it(window, served, output):
    outputs, keys = Outputs(output), keys_of(Outputs(output))
    before = (outputs.results(SWEEP) / "merged.mtz").read_bytes()
    with served(dashboard(outputs, ServeParams(), keys)) as address:
        page = window(address)
        page.goto(f"{address}/?token={keys.token}")
        page.goto(f"{address}/sweeps/{SWEEP}")
        assert page.locator("#earlier").count() == 0
        page.get_by_text("with other parameters").click()
        page.get_by_label("high-resolution limit").fill(str(LIMIT))
        page.get_by_role("button", name="Process again").click()
        page.get_by_text("What follows is of the processing before").wait_for()
        worked_off(output)
        figure = page.locator(".fact", has_text="resolution (Å)").locator("b")
        figure.filter(has_text=f"{LIMIT:.2f}").wait_for()  # the page comes anew by itself
        page.locator(".from").get_by_role("link", name="processing 1").click()
        page.get_by_text("kept from before").wait_for()
        assert float(figure.inner_text()) < LIMIT
        page.get_by_role("link", name="Compare").first.click()
        page.locator("tr", has_text="scale.d_min").get_by_text(str(LIMIT)).wait_for()
        page.close()  # which would ask a server that is gone for news
    kept = outputs.earlier.of(SWEEP)
    assert [(one.folder / "merged.mtz").read_bytes() for one in kept] == [before]
    queue = queue_there(outputs)
    job = queue.named(SWEEP)
    queue.close()
    assert (job.state, job.parameters) == (JobState.processed, {"scale.d_min": str(LIMIT)})
