"""Pictures of sweeps: made once, kept within bounds, and no trouble where images are not there."""

from __future__ import annotations

import asyncio
import os

import pytest
from queued import found, queue_in
from served import browser_of

from autoproc.dashboard.thumbnails import PATIENCE, Thumbnails, _remove_oldest
from autoproc.formats.templates import counter_of
from autoproc.simulation import simulate, small_params, write_sweep


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    start = write_sweep(simulate(small_params(n_images=2)), tmp_path_factory.mktemp("images"), "s").start
    return start.with_name(counter_of(start.name).template)


@pytest.fixture
def queue(tmp_path, template):
    queue = queue_in(tmp_path)
    queue.add(found("there", path=template, image_range=(1, 2), n_images=2))
    queue.add(found("not_there"))
    yield queue
    queue.close()


def test_a_sweep_has_a_picture_that_is_kept(tmp_path, queue):
    with browser_of(tmp_path) as client:
        first = client.get("/sweeps/there/thumbnail.png")
        assert first.content.startswith(b"\x89PNG")
        kept = list((tmp_path / ".autoproc" / "thumbnails").iterdir())
        assert [file.read_bytes() for file in kept] == [first.content]
        kept[0].write_bytes(b"kept")
        assert client.get("/sweeps/there/thumbnail.png").content == b"kept"


def test_an_address_that_climbs_leads_nowhere(tmp_path, queue):
    with browser_of(tmp_path) as client:
        assert client.get("/sweeps/..%2f..%2fetc/thumbnail.png").status_code == 404


@pytest.mark.parametrize("name", ["not_there", "nobody", "%00"])
def test_what_has_none_has_a_drawing_in_its_place(tmp_path, queue, name):
    with browser_of(tmp_path) as client:
        answer = client.get(f"/sweeps/{name}/thumbnail.png")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")


def test_the_oldest_go_when_there_are_too_many(tmp_path):
    for number in range(10):
        (tmp_path / f"{number}.png").write_bytes(b"x" * 100)
        os.utime(tmp_path / f"{number}.png", (number, number))
    assert _remove_oldest(tmp_path, 350) == 300
    assert sorted(file.name for file in tmp_path.iterdir()) == ["7.png", "8.png", "9.png"]


def test_pictures_on_the_disk_are_bounded(tmp_path, queue):
    pictures = Thumbnails(tmp_path / "pictures", most_bytes=10)
    assert asyncio.run(pictures.of(queue.named("there"))) is not None
    assert list((tmp_path / "pictures").iterdir()) == []
    pictures.close()


def test_what_could_not_be_read_is_tried_again_after_a_while(tmp_path, queue, template):
    now = [0.0]
    pictures = Thumbnails(tmp_path / "pictures", clock=lambda: now[0])
    first = template.with_name(template.name.replace("#####", "00001"))
    away = first.rename(tmp_path / "away")
    assert asyncio.run(pictures.of(queue.named("there"))) is None
    away.rename(first)
    now[0] = PATIENCE - 1
    assert asyncio.run(pictures.of(queue.named("there"))) is None, "it is not read again with every page"
    now[0] = PATIENCE
    assert asyncio.run(pictures.of(queue.named("there"))) is not None
    pictures.close()


def test_a_folder_that_cannot_be_written_costs_no_picture(tmp_path, queue):
    (tmp_path / "file").touch()
    pictures = Thumbnails(tmp_path / "file" / "pictures")
    assert asyncio.run(pictures.of(queue.named("there"))) is not None
    pictures.close()
