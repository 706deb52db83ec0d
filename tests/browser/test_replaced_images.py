"""What the image viewer shows of images that are not there yet, come to be there, and become others."""

from __future__ import annotations

import os
import shutil

import pytest
from simulated import simulated_sweep

from autoproc.formats.dials.expt import write_expt
from autoproc.stages.import_sweep import import_sweeps

GO_TO = "(image) => window.viewer.state.change({ image })"
SHOWN = "(image) => document.querySelector('#viewer').dataset.whole?.startsWith(`${image}?`)"
VALUE = "() => window.viewer.picture.valueAt([100.5, 100.5])?.value"
TROUBLE = "() => !document.querySelector('#trouble').hidden"


@pytest.fixture
def written(tmp_path_factory, tmp_path):
    """Files of a sweep of its own."""
    sweep = simulated_sweep(tmp_path_factory, n_images=12)
    for path in sweep.start.parent.glob("*.cbf"):
        shutil.copy(path, tmp_path)
    return sorted(tmp_path.glob("*.cbf"))


@pytest.fixture
def viewer(written, viewers_of, lasting_window):
    """The window of the viewer, at the fifth image."""
    models = written[0].parent / "imported.expt"
    write_expt(models, [import_sweeps([str(written[0])]).experiments[0].experiment])
    with viewers_of([models]) as viewers:
        window = lasting_window(viewers.address)
        viewers.open(window.page, "images?image=5&zoom=2&x=100&y=100", "#viewer[data-whole^='5?']")
        yield window
        window.page.goto("about:blank")


@pytest.fixture
def page(viewer):
    return viewer.page


def replaced(path, by):
    """Another image under the same name; a file of another second, as a user's is."""
    shutil.copy(by, path)
    os.utime(path, ns=(10**18, 10**18))


@pytest.fixture
def content(written):
    """Of the image that is cut."""
    return written[6].read_bytes()


@pytest.mark.parametrize("before", [6, 8])
def test_an_image_that_could_not_be_read_is_drawn_once_it_can(page, viewer, written, content, before):
    written[6].write_bytes(content[:2000])
    page.evaluate(GO_TO, 7)
    page.wait_for_function(TROUBLE)
    page.wait_for_function("() => window.viewer.picture.shown === null")
    assert page.evaluate(VALUE) is None, "nothing of another image stands under its name"
    written[6].write_bytes(content)
    page.evaluate(GO_TO, before)
    page.wait_for_function(SHOWN, arg=before)
    page.evaluate(GO_TO, 7)
    page.wait_for_function(SHOWN, arg=7)
    assert not page.evaluate(TROUBLE)
    viewer.complaints[:] = [words for words in viewer.complaints if "422" not in words]  # it was damaged


def test_an_image_that_is_another_is_drawn_when_it_is_come_back_to(page, written):
    before = page.evaluate("() => [...window.viewer.picture.store.find('5?', 0, 0, 0).codes]")
    replaced(written[4], written[9])
    page.evaluate(GO_TO, 6)
    page.wait_for_function(SHOWN, arg=6)
    page.evaluate(GO_TO, 5)
    page.wait_for_function(
        """(before) => {
            const tile = window.viewer.picture.store.find('5?', 0, 0, 0);
            return tile && tile.codes.some((code, n) => code !== before[n]);
        }""",
        arg=before,
    )


def test_the_end_of_the_sweep_is_told_of_a_stack(page):
    page.evaluate("() => window.viewer.state.change({ image: 11, stack: 50, how: 'mean' })")
    page.wait_for_function("() => document.querySelector('#file').textContent.includes('only 2 of 50 images')")
    page.wait_for_function("() => document.querySelector('#viewer').dataset.whole?.startsWith('11?stack')")
    sums = page.evaluate(VALUE)
    page.evaluate("() => window.viewer.state.change({ how: 'sum' })")
    page.wait_for_function(f"(mean) => ({VALUE})() === 2 * mean", arg=sums)
