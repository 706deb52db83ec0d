from __future__ import annotations

import os
from pathlib import Path

import pytest
from cbf_files import write_image, write_sweep

from autoproc.errors import UnreadableFile, UnsupportedFile
from autoproc.formats.sweeps import ImageSeries, NoImages, find_series, unique_names


def templates(found):
    return [series.template.name for series in found.series]


def test_directories_are_searched_in_order(tmp_path):
    write_sweep(tmp_path / "b", "y_####.cbf", range(1, 4))
    write_sweep(tmp_path / "a 1", "x y_####.cbf.gz", range(1, 4))
    write_sweep(tmp_path / "a 1", "x y_2_####.cbf.gz", range(1, 4))
    write_sweep(tmp_path / ".hidden", "z_####.cbf", range(1, 4))
    (tmp_path / "notes.txt").write_text("not an image")
    found = find_series([tmp_path])
    assert templates(found) == ["x y_####.cbf.gz", "x y_2_####.cbf.gz", "y_####.cbf"]
    assert not found.problems
    assert [len(s.files) for s in found.series] == [3, 3, 3]


def test_symbolic_links_in_a_circle(tmp_path):
    write_sweep(tmp_path / "a", "x_####.cbf", range(1, 4))
    (tmp_path / "a" / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a" / "nowhere").symlink_to(tmp_path / "gone")
    assert templates(find_series([tmp_path])) == ["x_####.cbf"]


@pytest.mark.parametrize("given", ["x_####.cbf", "x_0002.cbf", "x_*.cbf", ".", "#"])
def test_ways_to_name_a_sweep(tmp_path, given):
    files = write_sweep(tmp_path, "x_####.cbf", range(1, 6))
    write_sweep(tmp_path / "other", "y_####.cbf", range(1, 3))
    paths = files if given == "#" else [tmp_path / given]
    found = find_series(paths)
    series = next(s for s in found.series if s.template == tmp_path / "x_####.cbf")
    assert list(series.files) == [1, 2, 3, 4, 5]
    assert list(series.files.values()) == files
    assert len(found.series) == (2 if given == "." else 1)


def test_several_named_images_are_meant_exactly(tmp_path):
    files = write_sweep(tmp_path, "x_####.cbf", range(1, 9))
    found = find_series(files[2:5])
    assert list(found.series[0].files) == [3, 4, 5]


def test_reached_twice_is_found_once(tmp_path):
    files = write_sweep(tmp_path, "x_####.cbf", range(1, 6))
    assert len(find_series([tmp_path, files[0], tmp_path / "x_####.cbf"]).series) == 1


def test_an_image_without_counter(tmp_path):
    found = find_series([write_image(tmp_path / "image.cbf")])
    assert found.series[0].files == {1: tmp_path / "image.cbf"}


def test_relative_paths(tmp_path, monkeypatch):
    write_sweep(tmp_path / "d", "x_####.cbf", range(1, 4))
    monkeypatch.chdir(tmp_path / "d")
    assert find_series(["x_0001.cbf"]).series[0].template == tmp_path / "d" / "x_####.cbf"


@pytest.mark.parametrize("given", ["empty", "none_####.cbf", "gone.cbf", "gone_*.cbf", "readme.txt"])
def test_what_is_no_image_is_told_and_the_rest_goes_on(tmp_path, given):
    (tmp_path / "empty").mkdir()
    (tmp_path / "readme.txt").write_text("words")
    write_sweep(tmp_path / "good", "x_####.cbf", range(1, 4))
    found = find_series([tmp_path / given, tmp_path / "good"])
    assert templates(found) == ["x_####.cbf"]
    expected = {"empty": NoImages, "none_####.cbf": NoImages, "readme.txt": UnsupportedFile}.get(given, UnreadableFile)
    assert isinstance(found.problems[0], expected)
    assert given in str(found.problems[0])


def test_unreadable_directory(tmp_path, monkeypatch):
    write_sweep(tmp_path / "good", "x_####.cbf", range(1, 4))
    (tmp_path / "secret").mkdir()
    original = os.scandir

    def scandir(path):
        if Path(path).name == "secret":
            raise PermissionError(13, "Permission denied", str(path))
        return original(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = find_series([tmp_path])
    assert templates(found) == ["x_####.cbf"]
    assert str(found.problems[0]).startswith(f"{tmp_path / 'secret'} cannot be read (Permission denied)")


def test_masters_and_not_their_data(tmp_path):
    for name in ("x_master.h5", "x_data_000001.h5", "x_000001.h5", "y.nxs", "y_master.h5", "y_000001.h5", "y_meta.h5"):
        (tmp_path / name).write_bytes(b"\x89HDF\r\n\x1a\n")
    found = find_series([tmp_path])
    assert templates(found) == ["x_master.h5", "y.nxs"]
    assert found.passed_over == [(tmp_path / "y_master.h5", "y.nxs holds the same images")]


def test_compressed_copies_are_passed_over(tmp_path):
    write_sweep(tmp_path, "x_####.cbf", range(1, 6))
    write_sweep(tmp_path, "x_####.cbf.gz", range(2, 6))
    write_sweep(tmp_path, "y_####.cbf", range(1, 3))
    write_sweep(tmp_path, "y_####.cbf.gz", range(2, 6))
    found = find_series([tmp_path])
    assert templates(found) == ["x_####.cbf", "y_####.cbf", "y_####.cbf.gz"]
    assert found.passed_over == [(tmp_path / "x_####.cbf.gz", "x_####.cbf holds the same images")]


def test_data_files_without_a_master_are_not_passed_over(tmp_path):
    for n in (1, 2):
        (tmp_path / f"x_data_00000{n}.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    assert templates(find_series([tmp_path])) == ["x_data_000001.h5"]


def named(*paths):
    return unique_names([ImageSeries("cbf", Path(p), {}) for p in paths])


def test_names_are_those_of_the_files():
    assert named("/d/lysozyme_#####.cbf.gz", "/d/a b_####.cbf", "/d/x_master.h5") == ["lysozyme", "a b", "x"]
    assert named("/d/e f/####.cbf") == ["e f"]


def test_same_names_from_different_directories():
    assert named("/d/a/x_##.cbf", "/d/b/x_##.cbf", "/d/y_##.cbf") == ["a_x", "b_x", "y"]
    assert named("/d/a/1/x_##.cbf", "/d/b/1/x_##.cbf") == ["a_1_x", "b_1_x"]
    assert named("/d/x_##.cbf", "/d/e/x_##.cbf") == ["d_x", "e_x"]


def test_same_names_in_one_directory():
    assert named("/d/x_##.cbf", "/d/x_##.cbf.gz", "/d/x_master.h5") == ["x", "x_2", "x_3"]


def test_names_are_always_different():
    names = named("/d/x_##.cbf", "/d/x_##.cbf.gz", "/d/e/x_##.cbf", "/x/x.nxs", "/e/d_x_##.cbf", "/e/x_2_##.cbf")
    assert len(set(names)) == len(names)


def test_a_template_in_a_folder_that_is_not_there_is_named_whole(tmp_path):
    (problem,) = find_series([tmp_path / "gone" / "x_####.cbf"]).problems
    assert "gone/x_####.cbf cannot be read" in problem.message
    assert "gone: No such file or directory" in problem.message
