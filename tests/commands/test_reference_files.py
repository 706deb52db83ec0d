from __future__ import annotations

import pytest
from typer.testing import CliRunner

from autoproc.cli import app
from autoproc.commands.reference_files import with_found_references
from autoproc.config import Config, with_command_line
from autoproc.errors import UnreadableFile


@pytest.mark.parametrize("table", ["merge", "combine"])
def test_names_are_whole_paths_from_the_start(tmp_path, monkeypatch, table):
    (tmp_path / "known.mtz").write_bytes(b"MTZ ")
    monkeypatch.chdir(tmp_path)
    found = with_found_references(with_command_line(Config(), {f"{table}.reference": "known.mtz"}))
    assert getattr(found, table).reference == str(tmp_path / "known.mtz")


@pytest.mark.parametrize("table", ["merge", "combine"])
def test_a_file_that_is_not_there_is_told_before_anything_is_done(tmp_path, table):
    config = with_command_line(Config(), {f"{table}.reference": str(tmp_path / "gone.mtz")})
    with pytest.raises(UnreadableFile, match=rf"{table}\.reference"):
        with_found_references(config)
    output = tmp_path / "out"
    told = CliRunner().invoke(app, ["run", str(tmp_path), "-o", str(output), f"{table}.reference={tmp_path}/gone.mtz"])
    assert told.exit_code
    assert "there is no such file" in " ".join(told.output.split())
    assert not output.exists()


def test_without_references_nothing_changes():
    assert with_found_references(Config()) == Config()
