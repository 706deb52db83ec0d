"""The reciprocal lattice viewer in a browser."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from models_for_tests import crystal, experiment, panel, rotation

from autoproc.formats.dials.expt import write_expt
from autoproc.formats.dials.refl import write_refl
from autoproc.models.experiment import Detector, Goniometer
from autoproc.models.reflections import Reflections
from autoproc.viewing.lattice_points import observed_points, reciprocal_points

N = 600
DRAWN = ".view[data-drawn]"
POINTS_IN_THE_BROWSER = """async ([beam, distance]) => {
    const { readMessage } = await import("/static/lattice/message.js");
    const { reciprocalPoints, residues } = await import("/static/lattice/models.js");
    const message = readMessage(await (await fetch("/lattice/points?stage=two")).arrayBuffer());
    const moved = { fast: beam[0], slow: beam[1], distance };
    const rlp = reciprocalPoints(message, moved);
    return { rlp: [...rlp], off: [...residues(rlp, message.facts.lattices[0].A)] };
}"""


def two_lattices():
    """Two lattices on a detector that leans, and spots of neither."""
    leaning = rotation_about_y(0.2)
    face = panel()
    face = replace(face, fast_axis=leaning @ face.fast_axis, slow_axis=leaning @ face.slow_axis)
    first = replace(experiment(crystal()), detector=Detector((face, replace(face, origin=face.origin + [90, 0, 0]))),
                    goniometer=Goniometer(fixed=rotation(3), setting=rotation_about_y(0.1)))  # fmt: skip
    rng = np.random.default_rng(0)
    ids = np.arange(N) % 3 - 1
    table = {
        "xyz_obs_px": rng.uniform([1, 1, 0], [480, 610, 40], (N, 3)), "panel": np.arange(N) // 2 % 2,
        "experiment_id": ids, "imageset_id": np.zeros(N), "flags": np.zeros(N),
        "hkl": np.where(ids[:, None] < 0, 0, rng.integers(1, 9, (N, 3))), "intensity_sum": rng.exponential(100, N),
    }  # fmt: skip
    return [first, replace(first, crystal=crystal(seed=5))], Reflections(table)


def rotation_about_y(angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    experiments, table = two_lattices()
    write_expt(folder / "two.expt", experiments)
    write_refl(folder / "two.refl", table)
    return [folder / "two.expt", folder / "two.refl"]


@pytest.fixture(scope="module")
def viewers(files, viewers_of):
    with viewers_of(files) as served:
        yield served


@pytest.fixture
def lattice(viewers, window):
    """A function that opens the viewer."""
    return lambda asked="", **looks: viewers.open(window(viewers.address, **looks), f"lattice?{asked}", DRAWN)


def shown(page):
    return int(page.get_attribute(DRAWN, "data-shown"))


@pytest.mark.parametrize(("beam", "longer"), [((0, 0), 0), ((2.5, -1.25), 0.75)])
def test_points_are_where_they_are_here(lattice, beam, longer):
    points = observed_points(*two_lattices())
    there = lattice().evaluate(POINTS_IN_THE_BROWSER, [beam, longer])
    ours = reciprocal_points(points, beam, longer)
    np.testing.assert_allclose(np.reshape(there["rlp"], (-1, 3)), ours, atol=1e-7)
    hkl = ours @ points.lattices[0].crystal.real_space.T
    np.testing.assert_allclose(np.abs(np.reshape(there["off"], (-1, 3))), np.abs(hkl - hkl.round()), atol=1e-4)


@pytest.mark.parametrize(("size", "scheme"), [("desk", "light"), ("phone", "dark")])
def test_points_are_drawn(lattice, size, scheme):
    page = lattice(size=size, scheme=scheme)
    assert shown(page) == N
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("painter", ["canvas", "webgl"])
def test_both_ways_of_drawing_show_the_same(lattice, painter):
    page = lattice(f"painter={painter}&axes=0&cell=0&size=5")
    assert page.get_attribute(DRAWN, "data-painter") == painter
    coloured = page.evaluate(
        """() => {
            const canvas = document.querySelector(".points"), copy = document.createElement("canvas");
            [copy.width, copy.height] = [canvas.width, canvas.height];
            const context = copy.getContext("2d");
            return new Promise((done) => requestAnimationFrame(() => {
                document.querySelector(".hand").dispatchEvent(new KeyboardEvent("keydown", { key: "," }));
                requestAnimationFrame(() => {
                    context.drawImage(canvas, 0, 0);
                    const { data } = context.getImageData(0, 0, copy.width, copy.height);
                    let n = 0;
                    for (let i = 0; i < data.length; i += 4) if (data[i] + data[i + 1] + data[i + 2] < 740) n++;
                    done(n);
                });
            }));
        }"""
    )
    assert 0.5 * N * 20 < coloured < N * 25


def test_the_address_tells_the_view(lattice):
    page = lattice()
    page.focus(".hand")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("+")
    page.uncheck("[name=lattice][value='1']")
    page.wait_for_url(re.compile(r"off=1"))
    asked = page.url.partition("?")[2]
    assert "turn=" in asked
    assert "zoom=1.2" in asked
    again = lattice(asked)
    assert shown(again) == N * 2 // 3
    assert not again.is_checked("[name=lattice][value='1']")


ASKED = {
    "spots=unindexed": N // 3, "spots=indexed": 2 * N // 3, "off=0,1,none": 0, "images=1,40": N, "images=41,50": 0,
    "high=1000": 0, "low=0.1": 0, "colour=intensity&frame=crystal&fold=1": N,
    "turn=nan,1,2&zoom=1e999&off=%3Cscript%3E&images=-1&beam=,&colour=javascript:&of=-1&slab=x&distance=1e300": N,
}  # fmt: skip
"""What an address asks for, and how many points that shows."""


def test_what_is_asked_is_shown(lattice):
    page = lattice()
    there = page.url.partition("?")[0]
    for asked, n in ASKED.items():
        page.goto(f"{there}?{asked}")
        page.wait_for_selector(DRAWN)
        assert shown(page) == n, asked


def test_a_spot_leads_to_its_image(lattice):
    page = lattice("size=6")
    box = page.locator(".hand").bounding_box()
    for step in range(400):
        x, y = (0.3 + 0.4 * (step % 20) / 20) * box["width"], (0.3 + 0.4 * (step // 20) / 20) * box["height"]
        page.mouse.click(box["x"] + x, box["y"] + y)
        if page.is_visible("#spot"):
            break
    link = page.get_attribute("#spot a", "href")
    row = int(re.fullmatch(r"/images\?stage=two&image=\d+&row=(\d+)", link)[1])
    again = lattice(f"row={row}")
    assert again.get_attribute("#spot a", "href") == link


def test_a_detector_that_is_moved_is_said_and_put_back(lattice):
    page = lattice("beam=1.5,0")
    assert "moved by +1.5" in page.text_content("#moved")
    page.click("#back")
    page.wait_for_url(re.compile(r"/lattice$"))


def test_the_pointer_turns_and_zooms(lattice):
    page = lattice()
    box = page.locator(".hand").bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 400, box["y"] + 200, steps=3)
    page.mouse.up()
    page.mouse.wheel(0, -300)
    page.wait_for_url(re.compile(r"turn=.*zoom="))
    _, x, y, z = map(float, re.search(r"turn=([^&]*)", page.url.replace("%2C", ","))[1].split(","))
    assert y > 0.1
    assert abs(x) + abs(z) < 0.01


def test_keys_turn_lattices_on_and_off(lattice):
    page = lattice()
    page.focus(".hand")
    for key, n in (("1", 2 * N // 3), ("u", N // 3), ("1", 2 * N // 3), ("0", N)):
        page.keyboard.press(key)
        assert shown(page) == n


def test_an_address_keeps_numbers_that_count_and_rounds_the_others(lattice):
    said = lattice().evaluate(
        """async () => {
            const { beginning, searchOf, stateOf } = await import("/static/lattice/state.js");
            const state = { ...beginning(), row: 12345678, images: [123456, 123999], high: 2.345678 };
            return [searchOf(state), stateOf(searchOf(state)).row];
        }"""
    )
    assert said == ["high=2.3457&images=123456%2C123999&row=12345678", 12345678]
