"""A sweep that several process gives the files that it gives when one does, byte for byte, whatever helpers do."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import replace

import numpy as np
import pytest
from simulated import simulated_sweep

from autoproc.config import Config, with_command_line
from autoproc.console import Console
from autoproc.service.processing.order import Order
from autoproc.service.processing.process_job import process_job
from autoproc.service.results.outputs import parts_of
from autoproc.service.sharing import helping as helper_module
from autoproc.service.sharing import leader as leader_module
from autoproc.service.sharing import pieces_in_turn
from autoproc.service.sharing.lives import seen_alive
from autoproc.service.sharing.pieces import Pieces

CHANGES = {
    "run.n_threads": "1", "service.parts.is_enabled": "true", "service.parts.least_gigapixels": "0",
    "integrate.block_width": "2",
    "integrate.stretches.first": "12", "integrate.stretches.min_images": "20",
    "integrate.stretches.min_images_more": "10", "integrate.d_min": "2.5",
}  # fmt: skip
COMPARED = ("merged.mtz", "unmerged.mtz", "stages")


@pytest.fixture
def path(tmp_path_factory):
    return simulated_sweep(tmp_path_factory, width=0.6).start


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(leader_module, "MEGAPIXELS", 0.3)
    monkeypatch.setattr(leader_module, "FEWEST_BLOCKS", 1)
    monkeypatch.setattr(helper_module, "LOOK", 0.005)
    monkeypatch.setattr(pieces_in_turn, "LEAST_PATIENCE", 0.5)


def order_of(folder, path, **more):
    folder.mkdir(parents=True)
    config = with_command_line(Config(), CHANGES | more.pop("changes", {}))
    outcome = folder.with_suffix(".json")
    return Order(1, 1, "x", str(path), None, "", folder, outcome, config, **more)


def processed(order):
    with Console(order.folder / "autoproc.log") as console:
        summary = process_job(order, console)
    assert summary["status"] == "processed", summary
    return (order.folder / "autoproc.log").read_text()


def work_on(tmp_path, number, path, parts):
    """Be a helper; what its log says."""
    return processed(order_of(tmp_path / f"work/-{number}-x.1", path, part_of=parts))


def with_helpers(order, n, tmp_path, path, help_out=None):
    """What the log says of a sweep with so many helpers, which are there before there is something to do."""
    parts, came = parts_of(order.folder), threading.Event()
    publish = leader_module.Leader._in_turn

    def send(number):
        came.wait(60)
        help_out() if help_out else work_on(tmp_path, number, path, parts)

    def in_turn(leader, *what):
        came.set()
        end = time.monotonic() + 60
        while len(leader._helpers()) < n and time.monotonic() < end:
            time.sleep(0.005)
        return publish(leader, *what)

    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setattr(leader_module.Leader, "_in_turn", in_turn)
        for number in range(n):
            thread = threading.Thread(target=send, args=(number,))
            thread.start()
            stack.callback(thread.join)
        return processed(order)


def files_of(folder):
    found = {}
    for name in COMPARED:
        for file in [folder / name] if (folder / name).is_file() else sorted((folder / name).iterdir()):
            found[str(file.relative_to(folder))] = file.read_bytes()
    return found


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    path = simulated_sweep(tmp_path_factory, width=0.6).start
    order = order_of(tmp_path_factory.mktemp("alone") / "work/x.1", path, changes={"service.parts.is_enabled": "false"})
    assert "helpers" not in processed(order)
    files = files_of(order.folder)
    assert len(files) > 10
    return files


@pytest.mark.parametrize("n", [0, 1, 2])
def test_files_are_the_same_with_any_number_of_helpers(tmp_path, path, alone, n):
    order = order_of(tmp_path / "work/x.1", path)
    log = with_helpers(order, n, tmp_path, path)
    assert files_of(order.folder) == alone
    assert ("helpers: spots in" in log) == (n > 0), log
    assert ("helpers: blocks in" in log) == (n > 0), log
    assert not parts_of(order.folder).exists()


def act(kind, pieces, number):
    """What a bad helper does with a piece that it has."""
    if kind == "garbage":
        (pieces.folder / f"{number:04d}.npz").write_bytes(b"PK\x03\x04 this is no archive")
    elif kind == "other":
        pieces.answer(number, {"frames": np.array([[0, 1, 1, 0]]), "table": np.zeros((3, 17))}, "bad")
    elif kind == "declines":
        pieces.decline(number, "the images are not here")


def misbehave(parts, kind):
    """Take every piece that there is, under the name of somebody who is gone where it is to seem killed."""
    who = "ghost" if kind == "killed" else "bad"
    with seen_alive(parts, "bad"):
        while parts.exists():
            with suppress(OSError):
                pieces = Pieces.last_in(parts)
                free = [] if pieces is None else sorted(set(range(pieces.n)) - pieces.claimed(), reverse=True)
                for number in free:
                    if pieces.claim(number, who):
                        act(kind, pieces, number)
            time.sleep(0.002)


@pytest.mark.parametrize("kind", ["killed", "hangs", "garbage", "other", "declines"])
def test_bad_helpers_cost_no_byte(tmp_path, path, alone, kind):
    order = order_of(tmp_path / "work/x.1", path)
    log = with_helpers(order, 1, tmp_path, path, lambda: misbehave(parts_of(order.folder), kind))
    assert files_of(order.folder) == alone
    assert "helpers: spots: " in log  # it is said what went wrong
    assert "helpers: blocks: " in log
    assert "by bad" not in log


def test_a_folder_that_another_has_means_no_helpers(tmp_path, path, alone):
    order = order_of(tmp_path / "work/x.1", path)
    parts_of(order.folder).mkdir()
    assert "helpers: spots: no helpers" in processed(order)
    assert files_of(order.folder) == alone
    assert parts_of(order.folder).exists()


def test_a_helper_of_other_images_declines(tmp_path, path, alone):
    """Those are of another search: what is found on them is of no use."""
    order = order_of(tmp_path / "work/x.1", path)
    parts = parts_of(order.folder)

    def help_wrongly():
        own = Order.read((parts / "order.json").read_text())
        (parts / "order.json").write_text(replace(own, config=changed(own.config)).line())
        work_on(tmp_path, 1, path, parts)

    def changed(config):
        return config.model_copy(update={"find_spots": config.find_spots.model_copy(update={"d_min": 4.0})})

    log = with_helpers(order, 1, tmp_path, path, help_wrongly)
    assert files_of(order.folder) == alone
    assert "did not make a piece: the images, or what is looked for on them" in log


def test_helpers_end_with_their_sweep(tmp_path, path):
    parts = tmp_path / "work/x.1.parts"
    assert "no help" in work_on(tmp_path, 1, path, parts)  # it is over before they come
    parts.mkdir()
    (parts / "order.json").write_text(order_of(tmp_path / "work/x.1", path).line())
    assert "0 pieces made" in work_on(tmp_path, 2, path, parts)  # whoever had it is gone
