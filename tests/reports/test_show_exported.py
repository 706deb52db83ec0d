"""What we write for other programs, autoproc show tells in a few lines; of anything else it says what it reads."""

from __future__ import annotations

import json

import pytest
from exported_for_tests import exported, observations

from autoproc.errors import AutoprocError, CorruptFile
from autoproc.formats.export.export_params import ExportParams
from autoproc.formats.export.writers import WRITERS
from autoproc.reports.show import describe


def written(folder, form, **parameters):
    writer = WRITERS[form]
    writer.write(folder / writer.file, exported(form, **parameters), ExportParams(format=form, **parameters))
    return folder


@pytest.mark.parametrize(
    ("form", "file", "said"),
    [
        ("mmcif", "reflections.cif", ("77.6000 77.6000 37.4000", "P 43 21 2", "merged reflections: ", "shells: ")),
        ("sca", "scaled.sca", ("scalepack file, merged: ", "cell:         77.600 77.600", "space group:  p43212")),
        ("shelx", "scaled.ins", ("cell:         77.6 77.6 37.4 90 90 90", "space group:  P 43 21 2")),
        ("json", "rlp.json", (f"{len(observations())} reciprocal lattice points", "of 1 experiment; on no lattice: 0")),
    ],
)
def test_what_is_exported_is_told(tmp_path, form, file, said):
    text = describe(written(tmp_path, form) / file)
    assert [words for words in said if words not in text] == []
    assert len(text.splitlines()) < 30


def test_unmerged_scalepack_files_are_counted(tmp_path):
    n = len(exported("sca", unmerged=True).observations)
    text = describe(written(tmp_path, "sca", unmerged=True) / "scaled.sca")
    assert text.startswith(f"scalepack file, unmerged: {n} observations")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.cif", "cell 1 2 3"),
        ("x.sca", "hello"),
        ("x.sca", ""),
        ("x.ins", "TITL nothing"),
        ("rlp.json", '{"rlp": [1]}'),
    ],
)
def test_damaged_ones_are_said_to_be(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(CorruptFile, match=name):
        describe(tmp_path / name)


def test_reports_are_still_no_points(tmp_path):
    (tmp_path / "summary.json").write_text(json.dumps({"autoproc_version": "1"}))
    with pytest.raises(AutoprocError, match="a report for programs"):
        describe(tmp_path / "summary.json")


def test_of_what_is_not_read_it_is_said_what_is(tmp_path):
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04" + 600 * b"x")
    with pytest.raises(AutoprocError, match=r"autoproc show reads \.expt, .*\.cif and rlp\.json files.*images"):
        describe(tmp_path / "x.npz")
