"""The command `autoproc reciprocal-lattice-viewer`: files that cannot be shown are refused before a page is served."""

from __future__ import annotations

import numpy as np
import pytest
from models_for_tests import experiment
from typer.testing import CliRunner

from autoproc.cli import app
from autoproc.commands import lattice_view
from autoproc.formats.dials.expt import write_expt
from autoproc.formats.dials.refl import write_refl
from autoproc.models.reflections import Reflections


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """What is served, instead of serving it; two files are there."""
    monkeypatch.chdir(tmp_path)
    write_expt("a.expt", [experiment()])
    write_refl(
        "a.refl", Reflections({"xyz_obs_px": np.ones((3, 3)), "panel": np.zeros(3), "experiment_id": np.zeros(3)})
    )
    calls = []
    monkeypatch.setattr(lattice_view, "show_files", lambda *given, **named: calls.append((*given, named)))
    return calls


def run(*arguments):
    return CliRunner().invoke(app, ["reciprocal-lattice-viewer", *arguments])


def test_spots_with_their_models_are_shown_at_any_port(shown):
    assert run("a.expt", "a.refl").exit_code == 0
    ((subject, page, _, named),) = shown
    assert (tuple(subject.tables), page, named) == (("a",), "lattice", {"own_port": False})


def test_a_port_that_is_asked_for_is_taken(shown):
    assert run("a.expt", "a.refl", "serve.port=8700").exit_code == 0
    ((_, _, params, named),) = shown
    assert (params.port, named) == (8700, {"own_port": True})


@pytest.mark.parametrize("files", [["a.expt"], ["a.refl"], ["a.expt", "a.refl", "b.refl"]])
def test_files_that_are_not_spots_with_models(shown, files):
    result = run(*files)
    assert result.exit_code == 2
    assert ".refl" in result.output
    assert not shown


def test_a_damaged_file_is_said_at_once(shown, tmp_path):
    (tmp_path / "a.refl").write_bytes(b"nonsense")
    result = run("a.expt", "a.refl")
    assert result.exit_code == 3
    assert "a.refl" in result.output
    assert not shown
