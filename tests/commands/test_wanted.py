"""What a command line asks for: sweeps named, directories to watch, or what to do where there is nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import typer
from cbf_files import write_image, write_sweep
from nexus_files import SIZE, write_master
from queued import found

from autoproc.commands import run
from autoproc.commands import wanted as wanted_module
from autoproc.commands.wanted import NothingToProcess, WantedSweeps, what_is_wanted
from autoproc.config import Config
from autoproc.errors import AutoprocError
from autoproc.importing.params import ImportParams
from autoproc.service.probing.answers import Inside
from autoproc.service.probing.questions import SweepsOfSeries
from autoproc.service.watching.named_sweeps import NamedSweeps


class Counted(Inside):
    """Knows how often it was closed; may fail, or leave questions unanswered."""

    def __init__(self, params, fault=None):
        super().__init__(params)
        self.n_closed, self._fault = 0, fault

    def ask(self, question):
        if self._fault is not None and isinstance(question, SweepsOfSeries):
            raise self._fault
        return super().ask(question)

    def close(self):
        self.n_closed += 1


class Stalling(Counted):
    """What a series holds is never told."""

    @property
    def n_fresh(self):
        return 0


@pytest.fixture
def probes(monkeypatch):
    made = []

    def probing(config):
        made.append(Counted(config.import_sweep))
        return made[-1]

    monkeypatch.setattr(wanted_module, "probing", probing)
    return made


def config(**params):
    return Config(import_sweep=ImportParams(**params))


@pytest.mark.parametrize("form", ["cbf", "hdf5"])
def test_an_image_range_beyond_the_images_advises_the_right_one(tmp_path, probes, form):
    write_sweep(tmp_path, "x_####.cbf", range(3, 13)) if form == "cbf" else write_master(
        tmp_path / "x_master.h5", np.ones((10, *SIZE))
    )
    first, last = (3, 12) if form == "cbf" else (1, 10)
    with pytest.raises(NothingToProcess) as caught:
        what_is_wanted([str(tmp_path)], config(image_range=(50, 60)), once=True)
    assert f"no image is within image_range 50 to 60: they are numbered {first} to {last}" in caught.value.message
    assert caught.value.advice == f"give import_sweep.image_range within {first} and {last}, or leave it out"


def test_images_that_are_all_excluded_advise_to_leave_some(tmp_path, probes):
    write_sweep(tmp_path, "x_####.cbf", range(1, 11))
    with pytest.raises(NothingToProcess, match="numbered 1 to 10: let import_sweep.exclude_images leave some"):
        what_is_wanted([str(tmp_path)], config(exclude_images=("1-10",)), once=True)


def shots(folder):
    """Screening shots, which are no sweep."""
    for n, angle in enumerate((0, 45, 90), 1):
        write_image(folder / f"x_{n:04d}.cbf", {"Start_angle": f"{angle}.0 deg."})


def test_where_there_are_no_sweeps_a_folder_with_some_is_asked_for(tmp_path, probes):
    shots(tmp_path)
    with pytest.raises(NothingToProcess, match="give a folder of images"):
        what_is_wanted([str(tmp_path)], config(), once=True)


def test_the_probe_is_closed_whatever_was_found(tmp_path, probes):
    for folder in ("sweep", "shots"):
        (tmp_path / folder).mkdir()
    shots(tmp_path / "shots")
    write_sweep(tmp_path / "sweep", "x_####.cbf", range(1, 11))
    assert what_is_wanted([str(tmp_path / "sweep")], config(), once=True).search is None
    with pytest.raises(NothingToProcess):
        what_is_wanted([str(tmp_path / "shots")], config(), once=True)
    assert [probe.n_closed for probe in probes] == [1, 1]


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), OSError(5, "I/O"), AutoprocError(message="no")])
def test_the_probe_is_closed_when_the_search_is_broken_off(tmp_path, monkeypatch, fault):
    write_sweep(tmp_path, "x_####.cbf", range(1, 11))
    probe = Counted(ImportParams(), fault)
    monkeypatch.setattr(wanted_module, "probing", lambda config: probe)
    with pytest.raises(type(fault)):
        what_is_wanted([str(tmp_path)], config(), once=True)
    assert probe.n_closed == 1


def test_the_probe_is_closed_where_no_folder_for_results_can_be_made(tmp_path, monkeypatch):
    write_sweep(tmp_path / "images", "slow_####.cbf", range(1, 11))
    (tmp_path / "file").write_text("")
    probe = Stalling(ImportParams())
    monkeypatch.setattr(wanted_module, "probing", lambda config: probe)
    with pytest.raises(typer.Exit):
        run.run_command([str(tmp_path / "images")], tmp_path / "file" / "out", None, 1, once=True)
    assert probe.n_closed == 1


@pytest.mark.parametrize("n", [1, 2])
def test_empty_folders_are_nothing_that_failed(tmp_path, n):
    folders = [tmp_path / str(k) for k in range(n)]
    for folder in folders:
        folder.mkdir()
    with pytest.raises(NothingToProcess, match="no sweep of images was found in .*0"):
        what_is_wanted([str(folder) for folder in folders], Config(), once=True)


def test_a_named_folder_is_the_visit_of_the_sweeps_below_it():
    folders = (Path("/data/v1"), Path("/data/v1/thau"), Path("/data/v10"))
    wanted = WantedSweeps(NamedSweeps((), (), ()), (), None, folders)
    own = found("x", path=Path("/data/v1/thau/s1/x_####.cbf"), visit="/data/v1/thau/s1")
    assert wanted.in_visit(own).visit == "/data/v1/thau"
    elsewhere = found("x", path=Path("/data/v2/x_####.cbf"), visit="/data/v2")
    assert wanted.in_visit(elsewhere) == elsewhere


def test_named_folders_are_told_from_named_files(tmp_path, probes):
    write_sweep(tmp_path / "s1", "x_####.cbf", range(1, 11))
    (image, *_) = sorted((tmp_path / "s1").iterdir())
    assert what_is_wanted([str(tmp_path), str(image)], config(), once=True).folders == (tmp_path,)
