"""A demonstration takes a folder that is new, empty, or of an earlier one; nothing else is ever removed."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from autoproc.demonstration.place import MARK, IsGoingOn, OthersFiles, taken
from autoproc.service.processes.program import this_machine, this_program


def marked(folder, program):
    folder.mkdir(exist_ok=True)
    (folder / MARK).write_text(json.dumps({"program": program}))


def of_a_dead_process():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return f"{this_machine()}:{process.pid}:1"


@pytest.mark.parametrize("made", [False, True])
def test_a_new_or_empty_folder_is_taken(tmp_path, made):
    folder = tmp_path / "a" / "demo"
    if made:
        folder.mkdir(parents=True)
    place = taken(folder)
    assert place.images.is_dir()
    assert place.results.is_dir()
    assert json.loads((folder / MARK).read_text()) == {"program": this_program()}


def test_an_earlier_one_is_removed_and_no_more(tmp_path):
    marked(tmp_path, of_a_dead_process())
    for name in ("images/old.cbf", "processed/demo_1/summary.txt", "beamline.jsonl", "notes/mine.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("old")
    place = taken(tmp_path)
    assert list(place.images.iterdir()) == []
    assert list(place.results.iterdir()) == []
    assert place.beamline_told.read_text() == ""
    assert (tmp_path / "notes" / "mine.txt").read_text() == "old"


def test_files_of_somebody_else_are_left_alone(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "dear.cbf").write_text("dear")
    with pytest.raises(OthersFiles) as caught:
        taken(tmp_path)
    assert "--output" in caught.value.advice
    assert (tmp_path / "images" / "dear.cbf").read_text() == "dear"


def test_one_that_goes_on_is_left_alone(tmp_path):
    marked(tmp_path, this_program())
    (tmp_path / "images").mkdir()
    with pytest.raises(IsGoingOn):
        taken(tmp_path)
    assert (tmp_path / "images").exists()


@pytest.mark.parametrize("content", ["", "nonsense", "[]", "{}"])
def test_a_mark_that_was_half_written_is_nobodys(tmp_path, content):
    (tmp_path / MARK).write_text(content)
    assert taken(tmp_path).images.is_dir()


def test_a_link_to_other_files_is_not_followed(tmp_path):
    dear = tmp_path / "dear"
    dear.mkdir()
    (dear / "file").write_text("dear")
    folder = tmp_path / "demo"
    marked(folder, of_a_dead_process())
    (folder / "images").symlink_to(dear)
    with pytest.raises(OSError, match="symbolic link"):
        taken(folder)
    assert (dear / "file").read_text() == "dear"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        taken(tmp_path / "demo")
