"""The image viewer in a browser."""

from __future__ import annotations

import re

import numpy as np
import pytest
from processed import processed_sweep

from autoproc.formats.dials.expt import write_expt
from autoproc.formats.dials.image_numbers import to_file_frames
from autoproc.formats.dials.refl import write_refl
from autoproc.formats.registry import open_reader
from autoproc.geometry.detector import pixel_resolution, px_to_mm
from autoproc.geometry.reciprocal import s1_of_spots
from autoproc.geometry.rotation import crystal_from_lab

WHOLE = "#viewer[data-whole]"
IN_THE_BROWSER = """async (places) => {
    const { Geometry } = await import("/static/image/geometry.js");
    const facts = await (await fetch("/images/facts")).json();
    const image = await (await fetch("/images/7/facts")).json();
    const geometry = new Geometry(facts);
    return {
        d: places.map((px) => geometry.d(px)), mm: places.map((px) => geometry.mm(px)),
        hkl: places.map((px) => geometry.hkl(px, 7, image.settings[0])),
        ring: geometry.ring(4).filter(Boolean).map((px) => geometry.d(px)),
    };
}"""
COLOURS = """async (places) => {
    const { picture, view } = window.viewer;
    const copy = document.createElement("canvas");
    [copy.width, copy.height] = [picture.canvas.width, picture.canvas.height];
    const context = copy.getContext("2d", { willReadFrequently: true });
    picture.redrawNow();
    context.drawImage(picture.canvas, 0, 0);
    return places.map((px) => [...context.getImageData(...view.toScreen(px).map(Math.floor), 1, 1).data.slice(0, 3)]);
}"""


@pytest.fixture(scope="module")
def integrated(tmp_path_factory):
    return processed_sweep(tmp_path_factory).integrated


@pytest.fixture(scope="module")
def files(integrated, tmp_path_factory):
    folder = tmp_path_factory.mktemp("integrated")
    write_expt(folder / "integrated.expt", integrated.experiments)
    write_refl(folder / "integrated.refl", to_file_frames(integrated.reflections, integrated.experiments))
    return [folder / "integrated.expt", folder / "integrated.refl"]


@pytest.fixture(scope="module")
def viewers(files, viewers_of):
    with viewers_of(files) as served:
        yield served


@pytest.fixture
def images(viewers, window):
    """A function that opens the viewer."""
    return lambda asked="", **looks: viewers.open(window(viewers.address, **looks), f"images?{asked}", WHOLE)


@pytest.mark.parametrize(("size", "scheme"), [("desk", "light"), ("phone", "dark")])
def test_an_image_is_shown_with_its_reflections(images, size, scheme):
    page = images("image=5", size=size, scheme=scheme)
    page.wait_for_selector("#kinds label")
    assert "integrated" in page.text_content("#kinds")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("asked", ["", "stage=integrated", "sweep=0&image=3"])
def test_the_facts_are_fetched_once_beside_the_script(images, asked):
    page = images(asked)
    fetched = page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
    assert sum("/images/facts" in name for name in fetched) == 1


def test_pixels_are_where_they_are_here(images, integrated):
    one = integrated.experiments[0]
    places = np.random.default_rng(1).integers(1, 240, (30, 2)) + 0.5
    there = images().evaluate(IN_THE_BROWSER, places.tolist())
    x, y = places.astype(int).T
    np.testing.assert_allclose(there["d"], pixel_resolution(one.detector[0], one.beam)[y, x], rtol=1e-9)
    np.testing.assert_allclose(there["mm"], px_to_mm(one.detector[0], places), atol=1e-9)
    s1 = s1_of_spots(one.detector, one.beam, np.zeros(30, int), places)
    phi = np.full(30, one.scan.phi_at(7 - one.scan.image_range[0] + 0.5))
    rlp = crystal_from_lab(one.goniometer, phi, s1 - one.beam.s0)
    frame = np.array([7 - one.scan.image_range[0] + 0.5])
    np.testing.assert_allclose(there["hkl"], rlp @ np.linalg.inv(one.crystal.A_at(frame)[0]).T, atol=1e-6)
    np.testing.assert_allclose(there["ring"], 4.0, rtol=1e-4)


@pytest.mark.parametrize("draw", ["canvas", ""])
def test_counts_become_colours(images, integrated, draw):
    asked = f"image=5&show=&zoom=4&x=100&y=100&low=0&high=100&colours=inverted&draw={draw}"
    page = images(asked)
    reader = open_reader(integrated.experiments[0])
    counts = reader.read(5 - integrated.experiments[0].scan.image_range[0])
    y, x = np.nonzero((counts[60:140, 60:140] >= 3) & (counts[60:140, 60:140] < 100) & reader.mask[60:140, 60:140])
    y, x = y[:40] + 60, x[:40] + 60
    found = page.evaluate(COLOURS, np.column_stack([x + 0.5, y + 0.5]).tolist())
    assert len(found)
    np.testing.assert_allclose(np.array(found)[:, 0], 255 - 2.55 * counts[y, x], atol=2.6)


def test_keys_go_from_image_to_image_and_the_address_follows(images):
    page = images("image=5")
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "i", "+"):
        page.keyboard.press(key)
    page.wait_for_url(re.compile("image=6.*zoom="))
    asked = page.url.partition("?")[2]
    assert "colours=grey" in asked
    assert "zoom=" in asked
    again = images(asked)
    assert again.evaluate("viewer.state.image") == 6
    assert again.input_value("#colours") == "grey"


def test_a_reflection_is_chosen_and_stepped_from(images, integrated):
    row = int(np.argmax(integrated.reflections["intensity_sum"]))
    page = images(f"row={row}")
    page.wait_for_selector("#frames canvas")
    hkl = " ".join(map(str, integrated.reflections["hkl"][row]))
    assert page.text_content("#chosen-name") == hkl
    middle = integrated.reflections["xyz_obs_px"][row, 2] + integrated.experiments[0].scan.image_range[0]
    assert page.evaluate("viewer.state.image") == int(middle)
    page.click("#after")
    page.wait_for_selector(f"#chosen-name:not(:text-is('{hkl}'))")
    page.keyboard.press("Escape")
    assert page.is_hidden("#chosen")


def test_an_index_is_found(images, integrated):
    hkl = " ".join(map(str, integrated.reflections["hkl"][11]))
    page = images(f"hkl={hkl}")
    page.wait_for_selector("#found tr[data-row='11']")


def test_the_spot_finder_is_asked_anew(images):
    page = images("image=5&view=threshold")
    page.fill("#n_sigma_strong", "8")
    page.press("#n_sigma_strong", "Enter")
    page.wait_for_url(re.compile("n_sigma_strong=8"))
    assert "find-spots imported.expt n_sigma_strong=8" in page.text_content("#command")


@pytest.mark.parametrize(
    "asked",
    ["image=9999&zoom=1e999&x=nan&y=%3Cscript%3E&low=5&high=1&colours=javascript:&show=,,&line=a,b&scale=__proto__",
     "image=-1&stack=0.5&how=constructor&row=-3.5e3&kernel_size=%00"],
)  # fmt: skip
def test_whatever_is_asked_an_image_is_shown(images, asked):
    page = images(asked)
    assert page.evaluate("viewer.picture.shown") is not None


def test_an_address_opens_a_reflection_with_its_equivalents_and_keeps_that(images):
    page = images("row=40&open=equivalents")
    page.locator("#equivalents[open] tbody tr.this").wait_for()
    page.locator("#no-profile").get_by_text("profile that was fitted is not known here").wait_for()
    page.locator("#equivalents summary").click()
    page.wait_for_function("() => !location.search.includes('open=')")
    page.locator("#equivalents summary").press("Enter")
    page.wait_for_function("() => location.search.includes('open=equivalents')")


def test_an_address_lists_the_reflections_of_a_part_of_the_detector(images):
    page = images("region=0,125,0,150&lattice=1&order=residual")
    page.locator("#found tr").first.wait_for()
    words = page.locator("#found-words").inner_text()
    assert "within x 0 to 125, y 0 to 150 of lattice 2" in words
    assert page.locator("#found-last").inner_text() == "off, px"
    off = [float(text) for text in page.locator("#found td:last-child").all_inner_texts()]
    assert off == sorted(off, reverse=True)
    assert off[0] > 0
    page.locator("#found button").first.press("Enter")
    page.locator("#chosen").wait_for()
    page.wait_for_function("() => location.search.includes('row=') && location.search.includes('region=0,125,0,150')")
    page.locator("#clear").click()
    page.wait_for_function("() => !location.search.includes('region=')")
    assert page.locator("#found tr").count() == 0
