"""Pages for those who use them with a screen reader, or see little contrast: what axe-core finds amiss."""

from __future__ import annotations

from importlib.resources import files

import pytest
from visited import FAILED, LIVE, SWEEP, visited_while_collected

from autoproc.dashboard.app import dashboard, keys_of
from autoproc.dashboard.params import ServeParams
from autoproc.service.results.outputs import Outputs

PAGES = ("", f"sweeps/{SWEEP}", f"sweeps/{FAILED}", f"sweeps/{SWEEP}/images?stage=strong", f"sweeps/{SWEEP}/lattice",
         f"compare?of={SWEEP}&of={FAILED}", LIVE)  # fmt: skip


@pytest.fixture(scope="module")
def axe():
    """The source of axe-core: once it has run in a page, axe.run() tells what is amiss there."""
    pytest.importorskip("axe_core_python", reason="axe-core-python is not installed: pip install 'autoproc[test]'")
    return files("axe_core_python").joinpath("axe.min.js").read_text("utf-8")


@pytest.fixture(scope="module")
def address(tmp_path_factory, served):
    outputs = Outputs(visited_while_collected(tmp_path_factory))
    keys = keys_of(outputs)
    with served(dashboard(outputs, ServeParams(), keys)) as address:
        yield address, keys


def found_in(page, rules: str = "") -> list[tuple[str, list[str]]]:
    found = page.evaluate(f"axe.run(document, {{resultTypes: ['violations'], {rules}}})")["violations"]
    return [(one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in found]


def test_nothing_is_amiss_by_day_nor_its_contrast_by_night(lasting_window, address, axe):
    base, keys = address
    window = lasting_window(base)
    page = window.page
    page.goto(f"{base}/?token={keys.token}")
    amiss = {}
    for path in PAGES:
        page.emulate_media(color_scheme="light")
        assert page.goto(f"{base}/{path}").status == 200
        window.settle()
        page.evaluate(f"{axe};undefined")
        amiss[path] = found_in(page)
        page.emulate_media(color_scheme="dark")
        amiss[f"{path} by night"] = found_in(page, "runOnly: ['color-contrast']")
    assert {path: found for path, found in amiss.items() if found} == {}
