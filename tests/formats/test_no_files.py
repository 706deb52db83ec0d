"""Pipes, sockets and devices are called what they are, and are never opened."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from autoproc.errors import UNREADABLE, UnreadableFile
from autoproc.formats.dials.expt import read_expt
from autoproc.formats.dials.refl import read_refl
from autoproc.formats.no_files import NotAFile, no_file, read_file, require_file
from autoproc.formats.registry import kind_of
from autoproc.reports.show import describe
from autoproc.stages.import_sweep import import_sweeps


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # names of sockets may not be long
    return tmp_path


def made(kind: str, path: Path) -> Path:
    if kind == "a named pipe":
        os.mkfifo(path)
    elif kind == "a socket":
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    else:
        path.symlink_to("/dev/null")
    return path


KINDS = ("a named pipe", "a socket", "a device")
NAMES = ("x_0001.cbf", "x_master.h5", "x.expt", "x.refl", "x.mtz", "x.txt", "x.json", "x_001.img", "x")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_show_says_what_it_is(folder, kind, name):
    path = made(kind, folder / name)
    with pytest.raises(NotAFile, match=f"{name} is {kind}, not a file: give the name of a file"):
        describe(path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "read"), [("x.expt", read_expt), ("x.refl", read_refl), ("x_001.img", kind_of)])
def test_readers_do_not_wait_for_it(folder, kind, name, read):
    with pytest.raises(NotAFile, match=kind):
        read(made(kind, folder / name))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["x_0001.cbf", "x_master.h5"])
def test_import_says_what_it_is(folder, kind, name):
    (problem,) = import_sweeps([made(kind, folder / name)]).problems
    assert kind in problem.message


def test_files_and_what_is_not_there_are_left_to_others(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    assert no_file(tmp_path / "x") == no_file(tmp_path) == no_file(tmp_path / "y") == no_file("a\0b") == ""
    require_file(tmp_path / "y")
    assert read_file(tmp_path / "x") == b"abc"
    for path in (tmp_path, tmp_path / "y"):
        with pytest.raises(UnreadableFile, match=path.name):
            read_file(path)


def test_it_is_one_of_the_things_that_may_be_wrong_with_an_image():
    assert issubclass(NotAFile, UNREADABLE)
