from __future__ import annotations

from pathlib import Path

import pytest
from models_for_tests import experiment, scaled
from typer.testing import CliRunner

from autoproc.cli import app
from autoproc.formats.dials.expt import write_expt
from autoproc.formats.dials.image_numbers import to_file_frames
from autoproc.formats.dials.refl import write_refl

RUN = CliRunner()


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    made = experiment()
    write_expt(tmp_path / "scaled.expt", [made])
    write_refl(tmp_path / "scaled.refl", to_file_frames(scaled(made.crystal), [made]))
    return str(tmp_path / "scaled.expt"), str(tmp_path / "scaled.refl")


def test_it_writes_where_it_is_told(files: tuple[str, str], tmp_path: Path):
    page = tmp_path / "new folder" / "page.html"
    done = RUN.invoke(app, ["report", *files, "--output", str(page)])
    assert done.exit_code == 0
    assert str(page) in done.output
    assert "Table 1" in page.read_text(encoding="utf-8")


def test_it_writes_beside_the_user_otherwise(files: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert RUN.invoke(app, ["report", *reversed(files)]).exit_code == 0
    assert (tmp_path / "scaled.html").exists()


def test_a_file_without_its_partner_is_wrong_usage(files: tuple[str, str]):
    for given in (files[:1], files[1:], (*files, files[0])):
        done = RUN.invoke(app, ["report", *given])
        assert done.exit_code == 2
        assert "needs one .expt and one .refl" in done.output


def test_a_file_that_is_not_there_or_a_page_that_cannot_be_written(files: tuple[str, str], tmp_path: Path):
    missing = str(tmp_path / "nothing.refl")
    assert RUN.invoke(app, ["report", files[0], missing]).exit_code == 3
    done = RUN.invoke(app, ["report", *files, "--output", str(tmp_path)])
    assert done.exit_code != 0
    assert "cannot be written" in done.output
