"""Images that are gone for a while, before a sweep is begun or while it is read, cost it time only."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated import simulated_sweep

from autoproc.config import Config, with_command_line
from autoproc.console import Console
from autoproc.errors import IndexingFailed
from autoproc.formats.sweeps import NoImages
from autoproc.service.processing import process_sweep
from autoproc.service.processing.images_gone import lacking_of
from autoproc.service.processing.order import Order
from autoproc.service.processing.process_job import process_job
from autoproc.service.results.brief import brief
from autoproc.stages.pipeline import open_frames

N_IMAGES = 20


def copied(file_format: str, tmp_path: Path, tmp_path_factory) -> Path:
    written = simulated_sweep(tmp_path_factory, file_format=file_format, n_images=N_IMAGES, hot_pixels=0)
    return Path(shutil.copytree(written.start.parent, tmp_path / "visit" / "images"))


@pytest.fixture(params=["minicbf", "nxmx"])
def folder(request, tmp_path, tmp_path_factory):
    """A folder of 20 images."""
    return copied(request.param, tmp_path, tmp_path_factory)


@pytest.fixture
def cbf_folder(tmp_path, tmp_path_factory):
    """A folder of 20 images in files of their own, each opened when it is read."""
    return copied("minicbf", tmp_path, tmp_path_factory)


def order_of(folder: Path, tmp_path: Path, **changes) -> Order:
    (path,) = folder.glob("*_master.h5") if any(folder.glob("*.h5")) else [folder / "small_#####.cbf"]
    work = tmp_path / "out" / ".autoproc" / "work" / "small.1"
    work.mkdir(parents=True, exist_ok=True)
    facts = {"image_range": (1, N_IMAGES), "config": Config()} | changes
    return Order(1, 1, "small", str(path), folder=work, outcome=work.with_suffix(".json"), partial="",
                 n_images=N_IMAGES, **facts)  # fmt: skip


def processed(order: Order) -> dict:
    with Console(order.folder / "autoproc.log", title="test") as console:
        return brief(process_job(order, console))


@pytest.fixture
def reading(monkeypatch):
    """Processing is reading all images in turn; reading(action) has something happen before the image of a number."""

    def then(number, action, error=None, after=lambda: None):
        def read_all(processing, config, observer):
            reader = processing.source = open_frames(processing.experiment, config, is_read_again=True)
            try:
                for frame in range(reader.n_frames):
                    if frame + 1 == number:
                        action()
                    reader.read(frame)
            finally:
                after()
            if error is not None:
                raise error

        monkeypatch.setattr(process_sweep, "process_sensibly", read_all)
        monkeypatch.setattr(process_sweep, "write_data", lambda name, folder, processing: None)

    return then


def away(folder: Path) -> Path:
    return folder.rename(folder.with_name("elsewhere"))


def back(folder: Path) -> None:
    folder.with_name("elsewhere").rename(folder)


def test_nothing_is_lost(folder, tmp_path, reading):
    reading(5, lambda: None)
    result = processed(order_of(folder, tmp_path))
    assert (result["status"], result["retryable"], result["lost"]) == ("processed", False, "")


def test_a_folder_that_is_gone_before_it_is_begun(folder, tmp_path):
    order = order_of(folder, tmp_path)
    away(folder)
    result = processed(order)
    assert (result["status"], result["retryable"], result["error_stage"]) == ("failed", True, "import")
    assert f"the images of {order.path} are gone" in result["error"]
    assert "`autoproc retry small`" in result["hint"]


def test_a_disk_that_is_not_mounted(folder, tmp_path):
    """Its mount point is an empty folder."""
    order = order_of(folder, tmp_path)
    away(folder)
    folder.mkdir()
    assert processed(order)["retryable"]


def test_a_folder_above_that_is_gone(folder, tmp_path):
    order = order_of(folder, tmp_path)
    folder.parent.rename(tmp_path / "elsewhere")
    assert processed(order)["retryable"]
    folder.parent.write_text("somebody's file in its place")
    assert processed(order)["retryable"]


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO, errno.ENOTCONN, errno.EHOSTDOWN])
def test_a_file_server_that_does_not_answer(folder, tmp_path, monkeypatch, number):
    order = order_of(folder, tmp_path)

    def refusing(ask):
        def asked(path, *args, **kwargs):
            if isinstance(path, (str, Path)) and str(path).startswith(str(folder)):
                raise OSError(number, os.strerror(number), str(path))
            return ask(path, *args, **kwargs)

        return asked

    for name in ("stat", "open", "listdir", "scandir"):
        monkeypatch.setattr(os, name, refusing(getattr(os, name)))
    result = processed(order)
    assert (result["status"], result["retryable"]) == ("failed", True)
    assert os.strerror(number) in result["error"]


def test_a_folder_that_is_being_brought_back(folder, tmp_path):
    """Half of the images are there again, or the data file is not: the sweep waits for them all."""
    order = order_of(folder, tmp_path)
    for path in sorted(folder.glob("*_0*"))[-8:]:
        path.unlink()
    result = processed(order)
    assert (result["status"], result["retryable"]) == ("failed", True)


def test_what_is_there_is_taken_when_that_is_asked_for(cbf_folder, tmp_path, reading):
    for number in (*range(15, 21), 4):
        (cbf_folder / f"small_{number:05d}.cbf").unlink()
    wanted = {"import_sweep.image_range": "1,14", "import_sweep.exclude_images": "4"}
    reading(2, lambda: None)
    result = processed(order_of(cbf_folder, tmp_path, config=with_command_line(Config(), wanted)))
    assert (result["status"], result["retryable"]) == ("processed", False)


def test_a_folder_that_goes_while_it_is_read(cbf_folder, tmp_path, reading):
    reading(5, lambda: away(cbf_folder))
    result = processed(order_of(cbf_folder, tmp_path))
    assert (result["status"], result["retryable"]) == ("failed", True)
    assert "are gone" in result["error"]


@pytest.mark.parametrize("number", [2, 12])
def test_a_folder_that_is_back_when_it_has_failed(cbf_folder, tmp_path, reading, number):
    reading(number, lambda: away(cbf_folder), after=lambda: back(cbf_folder))
    result = processed(order_of(cbf_folder, tmp_path))
    assert (result["status"], result["retryable"]) == ("failed", True)
    assert "could not be read for a while" in result["error"]


def test_few_enough_images_are_lost_to_be_forgiven(cbf_folder, tmp_path, reading):
    """That they are not damaged is told all the same: the sweep is worth another attempt."""
    config = with_command_line(Config(), {"import_sweep.max_damaged_fraction": "0.5"})
    reading(18, lambda: away(cbf_folder), after=lambda: back(cbf_folder))
    result = processed(order_of(cbf_folder, tmp_path, config=config))
    assert (result["status"], result["error"], result["retryable"]) == ("processed", None, True)
    assert "3 could not be read for a while" in result["lost"]


def test_an_image_that_is_damaged_is_not_waited_for(cbf_folder, tmp_path, reading):
    config = with_command_line(Config(), {"import_sweep.max_damaged_fraction": "0.5"})
    order = order_of(cbf_folder, tmp_path, config=config)
    (cbf_folder / "small_00007.cbf").write_bytes(b"###CBF: nothing")
    reading(5, lambda: None)
    result = processed(order)
    assert (result["status"], result["retryable"]) == ("processed", False)


def test_a_failure_of_another_kind_is_what_it_is(folder, tmp_path, reading):
    reading(5, lambda: None, error=IndexingFailed(n_spots=9, reason="they are noise"))
    result = processed(order_of(folder, tmp_path))
    assert (result["status"], result["retryable"]) == ("failed", False)
    assert "9 spots" in result["error"]


def test_a_sweep_that_never_was_one_fails_for_good(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(1, N_IMAGES + 1):
        (folder / f"small_{number:05d}.cbf").write_bytes(b"no image at all")
    result = processed(order_of(folder, tmp_path))
    assert (result["status"], result["retryable"]) == ("failed", False)
    assert NoImages.what.partition("}")[2] not in result["error"]


@given(st.sets(st.integers(1, 30), min_size=1), st.sets(st.integers(1, 30)))
def test_holes_of_before_are_no_news(there, gone):
    """What lacked when the sweep was found may lack; anything else is missed."""
    before, now = there, there - gone
    words = lacking_of((min(before), max(before)), len(before), now, Config())
    assert bool(words) == (now != before)
