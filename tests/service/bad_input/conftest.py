"""A good sweep to be spoilt, and a way to run the program on it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from bad_input_for_tests import FEW, take_at_once
from forked_workers import no_new_programs
from processed import Silent
from simulated import simulated_sweep
from typer.testing import CliRunner

from autoproc.cli import app
from autoproc.config import Config, with_command_line
from autoproc.engine.plan import process_sensibly
from autoproc.stages.import_sweep import import_sweeps
from autoproc.stages.pipeline import Processing


@pytest.fixture
def images(tmp_path, tmp_path_factory):
    """A copy of a good sweep of 20 images: images("name") gives its files, images("name", n) the first n."""

    def copied(name: str, n: int | None = None, **overrides) -> list[Path]:
        written = simulated_sweep(tmp_path_factory, **(FEW | overrides))
        folder = tmp_path / "images"
        folder.mkdir(exist_ok=True)
        return [Path(shutil.copy(f, folder / f.name.replace("small", name))) for f in written.images[:n]]

    return copied


@pytest.fixture
def master(tmp_path, tmp_path_factory):
    """A copy of a good NXmx sweep, its master file."""
    written = simulated_sweep(tmp_path_factory, file_format="nxmx", **FEW)
    folder = tmp_path / "images"
    shutil.copytree(written.start.parent, folder)
    return folder / written.start.name


@pytest.fixture
def run(tmp_path):
    """Run `autoproc run` on paths; gives the exit status, what was printed, and the folder of results."""

    def invoke(*arguments) -> tuple[int, str, Path]:
        output = tmp_path / "results"
        command = ["run", "--once", *map(str, arguments), "--output", str(output), "--threads", "1"]
        with no_new_programs():
            result = CliRunner().invoke(app, command)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, " ".join(result.output.split()), output

    return invoke


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A sweep of 20 images, processed; not through a folder."""
    written = simulated_sweep(tmp_path_factory, **FEW)
    (sweep,) = import_sweeps([written.start.parent]).experiments
    processing = Processing(sweep.experiment)
    process_sensibly(processing, with_command_line(Config(), {"run.n_threads": "1"}), Silent())
    return processing


@pytest.fixture
def at_once(good, monkeypatch):
    """Every sweep has this result at once: for what happens before and after the stages."""
    take_at_once(good, monkeypatch)
