"""Bad images: a clear error, exit status 3, and a folder that says why."""

from __future__ import annotations

import json
import re

import pytest
from bad_input_for_tests import change_header, keep_bytes, summary_of, warnings_of


def test_first_image_truncated(images, run):
    """Nothing is lost: a sweep is processed without the few images that are damaged."""
    files = images("cut")
    keep_bytes(files[0], 0.5)
    status, said, output = run(files[0].parent)
    assert status == 0, said
    (warning,) = warnings_of(output / "cut", "left out")
    assert "image 1 left out" in warning
    assert "cut_00001.cbf is damaged: it is truncated" in warning


def test_first_image_empty(images, run):
    files = images("cut")
    files[0].write_bytes(b"")
    status, said, output = run(files[0].parent)
    assert status == 0, said
    assert json.loads((output / "cut" / "summary.json").read_text())["n_images"] == 19
    assert warnings_of(output / "cut", "cut_00001.cbf is damaged: it is empty")


def test_truncated_image_in_the_middle(images, run):
    files = images("cut")
    keep_bytes(files[9], 0.6)
    status, said, output = run(files[0].parent)
    assert status == 0, said
    assert warnings_of(output / "cut", "image 10 left out")
    assert json.loads((output / "cut" / "summary.json").read_text())["laue_group"] == "P m m m"


def test_truncated_image_where_none_is_forgiven(images, run):
    files = images("cut")
    keep_bytes(files[9], 0.6)
    status, said, output = run(files[0].parent, "max_damaged_fraction=0")
    assert status == 3
    summary = summary_of(output / "cut")
    assert summary["error_stage"] == "find_spots"
    assert f"{files[9]} is damaged: it is truncated" in summary["error"]
    assert "image_range" in summary["error_hint"]
    assert "cut_00010.cbf is damaged" in said


def test_many_truncated_images(images, run):
    files = images("cut")
    for file in files[8:14]:
        keep_bytes(file, 0.6)
    status, _, output = run(files[0].parent)
    assert status == 3
    summary = summary_of(output / "cut")
    assert re.search(r"2 of the first \d+ images read cannot be used.*cut_00009.cbf", summary["error"])
    assert "import_sweep.image_range=FIRST,LAST" in summary["error_hint"]


def test_image_range_leaves_damaged_images_out(images, run):
    files = images("cut")
    for file in files[15:]:
        keep_bytes(file, 0.6)
    status, said, output = run(files[0].parent, "image_range=1,15")
    assert status == 0, said
    assert json.loads((output / "cut" / "summary.json").read_text())["n_images"] == 15


def test_excluded_images_are_left_out(images, run):
    """However many and however damaged they are."""
    files = images("cut")
    for file in files[8:11]:
        keep_bytes(file, 0.6)
    status, said, output = run(files[0].parent, "exclude_images=9-11")
    assert status == 0, said
    summary = json.loads((output / "cut" / "summary.json").read_text())
    assert "3 images left out as exclude_images says: 9-11" in summary["warnings"]
    assert not any("damaged" in warning or "hardly any spots" in warning for warning in summary["warnings"])
    assert "17 of 20 (1 to 20)" in (output / "cut" / "summary.txt").read_text()


def test_wrong_byte_count(images, run):
    files = images("count")
    for file in files:
        change_header(file, rb"X-Binary-Size: \d+", b"X-Binary-Size: 12345")
    status, _, output = run(files[0].parent)
    assert status == 3
    assert re.search(r"count_00001.cbf is damaged: .*pixels take 12345 bytes", summary_of(output / "count")["error"])


@pytest.mark.parametrize(
    ("pattern", "replacement", "field", "override"),
    [
        (rb"# Wavelength[^\r\n]*", b"#", "wavelength is missing", "wavelength=0.9795"),
        (rb"# Wavelength[^\r\n]*", b"# Wavelength none A", "wavelength is 'none A', which is no number", "wavelength="),
        (rb"# Wavelength[^\r\n]*", b"# Wavelength 976.3 A", "wavelength is 976.3 A", "wavelength="),
        (rb"# Detector_distance[^\r\n]*", b"#", "detector distance is missing", "distance=200"),
        (rb"# Detector_distance[^\r\n]*", b"# Detector_distance 0 m", "detector distance is 0 mm", "distance=200"),
    ],
)
def test_header_without_a_usable_value(images, run, pattern, replacement, field, override):
    files = images("header", 5)
    for file in files:
        change_header(file, pattern, replacement)
    status, said, output = run(files[0].parent)
    assert status == 3
    summary = summary_of(output / "header")
    assert summary["error_stage"] == "import"
    assert f"{files[0]}: the header's {field}" in summary["error"]
    assert override in summary["error_hint"]
    assert override in said


def test_one_image(images, run):
    files = images("single", 1)
    status, _, output = run(files[0].parent)
    assert status == 3
    assert "a single image (number 1) is not a sweep" in summary_of(output / "single")["error"]


def test_stills(images, run):
    files = images("still", n_images=5, width=0.0)
    status, _, output = run(files[0])
    assert status == 3
    summary = summary_of(output / "still")
    assert "stills" in summary["error"]
    assert "oscillation=start,width" in summary["error"]


def test_blank_sweep(images, run):
    files = images("blank", n_images=6, strength=0.0)
    status, _, output = run(files[0].parent)
    assert status == 3
    summary = summary_of(output / "blank")
    assert summary["error"] == "no spots were found on 6 images"
    assert (output / "blank" / "stages" / "imported.expt").exists()


def test_only_ice(images, run):
    files = images("ice", strength=0.0, ice=3.0, ice_spots=30.0)
    status, said, output = run(files[0].parent, "decisions.indexing=false")
    assert status == 3
    summary = summary_of(output / "ice")
    assert summary["error_stage"] == "index"
    assert summary["n_spots"] > 100
    assert "the crystal is iced" in summary["warnings"][0]
    assert "the crystal is iced" in said
    assert (output / "ice" / "stages" / "strong.refl").exists()


@pytest.mark.parametrize(("n_images", "strength", "stage"), [(3, 1.0, "index"), (4, 3.0, "refine")])
def test_too_few_spots(images, run, n_images, strength, stage):
    files = images("few", n_images=n_images, strength=strength)
    status, _, output = run(files[0].parent)
    assert status == 3
    summary = summary_of(output / "few")
    assert 0 < summary["n_spots"] < 45
    assert summary["error_stage"] == stage
    assert re.search("spots.*(too few|at least)|too few.*spots", summary["error"])


def test_data_file_in_place_of_its_master(master, run):
    data = master.with_name("small_data_000001.h5")
    status, said, output = run(data)
    assert status == 3
    summary = summary_of(output / "small_data_000001")
    assert f"{data} holds images but no description of the experiment" in summary["error"]
    assert "small_master.h5" in summary["error_hint"]
    assert "small_master.h5" in said


def test_master_without_its_data_files(master, run):
    master.with_name("small_data_000001.h5").unlink()
    status, _, output = run(master)
    assert status == 3
    summary = summary_of(output / "small")
    assert "small_data_000001.h5, which is missing" in summary["error"]
    assert "copy the data files beside their master" in summary["error_hint"]


def test_truncated_data_file(master, run):
    keep_bytes(master.with_name("small_data_000001.h5"), 0.5)
    status, _, output = run(master)
    assert status == 3
    assert re.search(r"small_(master|data_000001).h5", summary_of(output / "small")["error"])


def test_missing_filter_plugin(master, run, monkeypatch):
    import h5py

    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda code: False)
    status, _, output = run(master)
    assert status == 3
    summary = summary_of(output / "small")
    assert "compressed by HDF5 filter" in summary["error"]
    assert "hdf5plugin" in summary["error_hint"]
