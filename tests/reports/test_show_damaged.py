"""`autoproc show` of files that are damaged: whatever their bytes, an error that names the file."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from models_for_tests import crystal, experiment, scaled

from autoproc.errors import CorruptFile, details_of
from autoproc.formats.observed.mtz import write_unmerged_mtz
from autoproc.reports.show import describe


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = tmp_path_factory.mktemp("mtz") / "x.mtz"
    write_unmerged_mtz(path, [experiment(crystal())], scaled(crystal(), d_min=9.0), "a sweep")
    return path.read_bytes()


@pytest.mark.parametrize("record", [b"COLUMN", b"PROJECT", b"CRYSTAL", b"DATASET"])
def test_texts_that_are_no_utf8(tmp_path, content, record):
    place = content.rfind(record) + len(record) + 12
    (tmp_path / "y.mtz").write_bytes(content[:place] + b"\xff\xfe\xfd" + content[place + 3 :])
    with pytest.raises(CorruptFile, match=r"y\.mtz") as caught:
        describe(tmp_path / "y.mtz")
    assert "UnicodeDecodeError" in details_of(caught.value)


@pytest.mark.parametrize("n", [1, 4, 20, 80, 100, 5000])
def test_files_that_end_early(tmp_path, content, n):
    (tmp_path / "y.mtz").write_bytes(content[:n])
    with pytest.raises(CorruptFile, match=r"y\.mtz"):
        describe(tmp_path / "y.mtz")


@pytest.mark.parametrize("words", [b"\xff\xff\xff\x7f", b"\x00\x00\x00\x80", b"\x00\x00\x00\x00", b"\xff\xff\xff\xff"])
def test_a_header_that_is_nowhere(tmp_path, content, words):
    (tmp_path / "y.mtz").write_bytes(content[:4] + words + content[8:])
    with pytest.raises(CorruptFile, match=r"y\.mtz"):
        describe(tmp_path / "y.mtz")


def test_what_is_written_is_shown(tmp_path, content):
    (tmp_path / "y.mtz").write_bytes(content)
    said = describe(tmp_path / "y.mtz")
    assert "P 43 21 2" in said
    n = gemmi.read_mtz_file(str(tmp_path / "y.mtz")).nreflections
    assert f"Reflections: {np.int64(n)}" in said
