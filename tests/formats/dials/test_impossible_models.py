"""Lists of experiments and reflections with which nothing can be calculated are refused by name, quickly."""

from __future__ import annotations

import json
import time

import msgpack
import numpy as np
import pytest
from models_for_tests import crystal, experiment, scaled

from autoproc.errors import CorruptFile
from autoproc.formats.dials.expt import read_expt, write_expt
from autoproc.formats.dials.refl import read_refl, read_refl_columns, write_refl
from autoproc.reports.show import describe


@pytest.fixture
def content(tmp_path):
    write_expt(tmp_path / "x.expt", [experiment()])
    return json.loads((tmp_path / "x.expt").read_text())


def put(node, place, value):
    *path, last = place.split("/")
    for key in path:
        node = node[int(key) if isinstance(node, list) else key]
    node[int(last) if isinstance(node, list) else last] = value


PANEL = "detector/0/panels/0"
IMPOSSIBLE = [
    ("beam/0/wavelength", 0),
    ("beam/0/wavelength", float("nan")),
    ("beam/0/wavelength", 10**400),
    ("beam/0/wavelength", "x"),
    ("beam/0/direction", [0, 0, 0]),
    ("beam/0/direction", [[0, 0, 1]] * 2),
    ("beam/0/direction", [1.0, 2.0]),
    ("beam/0/polarization_normal", [1e400, 0, 0]),
    ("beam/0/transmission", float("inf")),
    (f"{PANEL}/image_size", [2**31, 2**31]),
    (f"{PANEL}/image_size", [0, 10]),
    (f"{PANEL}/image_size", [-5, 10]),
    (f"{PANEL}/pixel_size", [0, 0.1]),
    (f"{PANEL}/fast_axis", [0, 0, 0]),
    (f"{PANEL}/slow_axis", [1, 0, 0]),  # along the other axis
    (f"{PANEL}/origin", [5.0, 5.0, 0.0]),  # the sample lies in the panel
    (f"{PANEL}/origin", [0, 0, float("nan")]),
    (f"{PANEL}/trusted_range", [float("nan"), 5]),
    (f"{PANEL}/trusted_range", [10, 5]),
    (f"{PANEL}/gain", 0),
    (f"{PANEL}/name", 5),
    (f"{PANEL}/material", ["Si"]),
    ("detector/0/panels", []),
    ("detector/0/panels", None),
    ("detector/0/hierarchy", 7),
    ("goniometer/0/rotation_axis", [0, 0, 0]),
    ("goniometer/0/fixed_rotation", [0.0] * 9),
    ("goniometer/0", {"axes": [[1, 0, 0]], "names": ["x"], "angles": [0], "scan_axis": -1}),
    ("goniometer/0", {"axes": [[1, 0, 0]], "names": [], "angles": [0], "scan_axis": 0}),
    ("goniometer/0", {"axes": [[0, 0, 0]], "names": ["x"], "angles": [0], "scan_axis": 0}),
    ("scan/0/image_range", [1, 2**31]),
    ("scan/0/image_range", [-(2**62), 2**62]),
    ("scan/0/image_range", [5, 1]),
    ("scan/0/oscillation", [0, float("inf")]),
    ("scan/0/valid_image_ranges", {"x": [5]}),
    ("crystal/0/real_space_a", [0, 0, 0]),
    ("crystal/0/real_space_a", [1e-320, 0, 0]),
    ("crystal/0/A_at_scan_points", [[0.0] * 9] * 41),
    ("crystal/0/A_at_scan_points", [[0.01, 0, 0, 0, 0.01, 0, 0, 0, 0.01]] * 7),
    ("crystal/0/space_group_hall_symbol", "x" * 5000),
    ("crystal/0/space_group_hall_symbol", 5),
    ("imageset/0/template", 5),
    ("imageset/0/single_file_indices", ["x"]),
    ("imageset/0/single_file_indices", [-3]),
    ("experiment/0/identifier", 5),
    ("experiment/0/beam", 3),
    ("experiment/0/crystal", [0]),
    ("experiment", [[]]),
    ("imageset", None),
]


@pytest.mark.parametrize(("place", "value"), IMPOSSIBLE)
def test_impossible_models(tmp_path, content, place, value):
    put(content, place, value)
    (tmp_path / "y.expt").write_text(json.dumps(content))
    with pytest.raises(CorruptFile, match=r"y\.expt is damaged: it") as caught:
        read_expt(tmp_path / "y.expt")
    assert len(caught.value.message) < 500


def test_what_is_written_is_possible(tmp_path, content):
    (tmp_path / "y.expt").write_text(json.dumps(content))
    (read,) = read_expt(tmp_path / "y.expt")
    assert read.scan.excluded == ()
    assert "wavelength: 0.9763" in describe(tmp_path / "y.expt")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "[" * 4000 + "]" * 4000, "{}", "[]", "7", '"x"', "null", "9" * 5000, "\xff"]
)
def test_json_of_any_other_form(tmp_path, text):
    (tmp_path / "y.expt").write_bytes(text.encode("latin-1"))
    with pytest.raises(CorruptFile, match=r"y\.expt"):
        read_expt(tmp_path / "y.expt")


def test_ranges_of_valid_images_take_no_more_time_for_being_many(tmp_path, content):
    content["scan"][0] |= {"image_range": [1, 1_000_000], "exposure_time": [], "epochs": []}
    content["scan"][0]["valid_image_ranges"] = {"x": [[n, n + 1] for n in range(1, 20_000, 4)]}
    (tmp_path / "y.expt").write_text(json.dumps(content))
    began = time.process_time()
    (read,) = read_expt(tmp_path / "y.expt")
    assert time.process_time() - began < 10
    assert len(read.scan.excluded) == 1_000_000 - 10_000


@pytest.fixture
def table(tmp_path):
    write_refl(tmp_path / "x.refl", scaled(crystal(), d_min=9.0))
    return msgpack.unpackb((tmp_path / "x.refl").read_bytes(), strict_map_key=False)


def damaged(path, table):
    path.write_bytes(msgpack.packb(table, use_bin_type=True))
    with pytest.raises(CorruptFile, match=r"y\.refl is damaged") as caught:
        read_refl(path)
    assert len(caught.value.message) < 600
    with pytest.raises(CorruptFile):
        describe(path)


@pytest.mark.parametrize("rows", [-1, 3, 2**40, None, "many", 1.5])
def test_a_number_of_rows_that_the_columns_do_not_have(tmp_path, table, rows):
    table[2]["nrows"] = rows
    damaged(tmp_path / "y.refl", table)


@pytest.mark.parametrize("identifiers", [None, 5, [1], {"x": "y"}, {0: 5}, {0: None}, [[0, "x", 1]]])
def test_identifiers_that_are_none(tmp_path, table, identifiers):
    table[2]["identifiers"] = identifiers
    damaged(tmp_path / "y.refl", table)


@pytest.mark.parametrize(
    "columns",
    [None, [], {5: ["double", [0, b""]]}, {"x": [5, [0, b""]]}, {"d": ["double", None]}, {"d": ["double", [1, b""]]},
     {"d": ["double", ["x", b""]]}, {"d": ["double", [-1, b""]]}, {"d": ["double", [0, "text"]]},
     {"shoebox": [["Shoebox<>"], 1]}],
)  # fmt: skip
def test_columns_that_are_none(tmp_path, table, columns):
    table[2]["data"] = columns
    damaged(tmp_path / "y.refl", table)


@pytest.mark.parametrize("whole", [None, [], {}, "x", [1, 2, 3], ["x" * 9999, 1, {}]])
def test_msgpack_of_any_other_form(tmp_path, table, whole):
    damaged(tmp_path / "y.refl", whole)


@pytest.mark.parametrize(
    "content", [b"", b"\x93", b"\x91" * 5000, b"\xdd\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xc1"]
)
def test_bytes_that_are_no_msgpack(tmp_path, content):
    (tmp_path / "y.refl").write_bytes(content)
    with pytest.raises(CorruptFile, match=r"y\.refl"):
        read_refl_columns(tmp_path / "y.refl")


def test_what_is_written_holds_together(tmp_path, table):
    raw = read_refl_columns(tmp_path / "x.refl")
    assert {len(values) for values in raw["columns"].values()} == {raw["n_rows"]}
    assert np.isfinite(read_refl(tmp_path / "x.refl")["intensity_scale"]).all()
