"""Files of parameters beside images and results: from the farthest to the nearest, and none that lie elsewhere."""

import os
from pathlib import Path

import pytest

from autoproc.service.visits.parameter_files import MOST_BYTES, NAME, SearchedFolder, files_of, places_of


def written(folder: Path, text: str = "[scale]\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    path.write_text(text)
    return path


def only(tmp_path):
    (file,) = files_of([SearchedFolder(tmp_path, tmp_path)])
    return file


def test_the_nearest_comes_last_from_results_to_visit_to_sample_to_sweep_to_its_own_results():
    places = places_of(Path("/data/v1/thau/s1/x_####.cbf"), "/data/v1", Path("/results"), "x")
    folders = ["/results", "/data/v1", "/data/v1/thau", "/data/v1/thau/s1", "/results/x"]
    assert [str(place.folder) for place in places] == folders
    assert {str(place.top) for place in places[1:-1]} == {"/data/v1"}


@pytest.mark.parametrize("visit", ["", "/elsewhere", "/data/v1/thau/s1"])
def test_nothing_above_the_visit_is_looked_at(visit):
    places = places_of(Path("/data/v1/thau/s1/x_####.cbf"), visit, Path("/results"), "x")
    assert [str(place.folder) for place in places] == ["/results", "/data/v1/thau/s1", "/results/x"]


def test_files_are_read_and_told_apart_by_their_content(tmp_path):
    written(tmp_path, "[scale]\nd_min = 2.0\n")
    first = only(tmp_path)
    assert (first.content, first.problem) == (b"[scale]\nd_min = 2.0\n", "")
    os.utime(tmp_path / NAME, (1, 1))
    assert only(tmp_path).digest == first.digest
    written(tmp_path, "[scale]\nd_min = 2.1\n")
    assert only(tmp_path).digest != first.digest


def test_a_file_of_a_folder_that_is_both_data_and_results_is_read_once(tmp_path):
    written(tmp_path)
    assert len(files_of([SearchedFolder(tmp_path, tmp_path), SearchedFolder(tmp_path, tmp_path)])) == 1


def test_where_there_is_none_nothing_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    assert files_of([SearchedFolder(tmp_path, tmp_path), SearchedFolder(tmp_path / "not_there", tmp_path)]) == []
    assert files_of([SearchedFolder(tmp_path / "file", tmp_path)]) == []


def test_a_symbolic_link_is_not_followed_wherever_it_leads(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("[scale]\nd_min = 2.0\n")
    visit = tmp_path / "visit"
    visit.mkdir()
    (visit / NAME).symlink_to(secret)
    file = only(visit)
    assert (file.content, file.problem) == (b"", "it is a symbolic link")


def test_a_folder_that_is_a_link_out_of_the_visit_is_not_read_through(tmp_path):
    written(tmp_path / "other")
    (tmp_path / "visit").mkdir()
    (tmp_path / "visit" / "sweep").symlink_to(tmp_path / "other")
    (file,) = files_of(places_of(tmp_path / "visit/sweep/x_#.cbf", str(tmp_path / "visit"), tmp_path / "out", "x"))
    assert (file.content, file.problem) == (b"", "it lies outside of its visit")


def test_a_second_name_of_another_file_is_not_read(tmp_path):
    (tmp_path / "secret").write_text("[scale]\n")
    os.link(tmp_path / "secret", tmp_path / NAME)
    assert "hard link" in only(tmp_path).problem


def test_pipes_folders_and_endless_files_are_none(tmp_path):
    os.mkfifo(tmp_path / NAME)
    assert only(tmp_path).problem == "it is no regular file"
    (tmp_path / NAME).unlink()
    (tmp_path / NAME).mkdir()
    assert only(tmp_path).problem == "Is a directory"
    (tmp_path / NAME).rmdir()
    with (tmp_path / NAME).open("wb") as file:
        file.truncate(1 << 30)
    assert only(tmp_path).problem == f"it has more than {MOST_BYTES} bytes"


def test_a_file_that_may_not_be_read_is_told(tmp_path, monkeypatch):
    path = written(tmp_path)

    def refused(*_):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "open", refused)
    assert only(tmp_path).problem == "Permission denied"
