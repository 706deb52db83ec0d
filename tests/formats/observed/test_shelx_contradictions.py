"""What contradicts itself in files of SHELX, or is not told there, is told, left out or refused."""

from __future__ import annotations

import pytest
from shelx_files import INS, shelx, some_rows

from autoproc.formats.observed.read_shelx import read_shelx
from autoproc.formats.observed.shelx_hklf import NotHklf4


def test_shelx_twice_is_known_though_it_tells_no_places(tmp_path):
    data = read_shelx(shelx(tmp_path, 2 * some_rows()))
    assert data.warnings == ("40 records in the file twice or more, used once",)
    assert len(data.reflections) == 40


def test_shelx_where_a_few_are_alike_by_chance(tmp_path):
    data = read_shelx(shelx(tmp_path, [*some_rows(), *some_rows(4)]))
    assert data.warnings == ()
    assert len(data.reflections) == 44


# Cell and space group


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("HKLF 3", "HKLF 3 (amplitudes"), ("HKLF 5", "HKLF 5 (twins"), ("HKLF -3", "amplitudes"), ("HKLF", "no kind"),
        ("HKLF 4 1 .5 0 0 0 1 0 0 0 1", "no whole numbers"), ("HKLF 4 1 0 0 0", "no change of basis"),
        ("hklf 2", "Laue"), ("HKLF x", "no kind"),
    ],
)  # fmt: skip
def test_only_hklf_4_is_read(tmp_path, told, said):
    path = shelx(tmp_path, some_rows(), INS.replace("HKLF 4", told))
    with pytest.raises(NotHklf4) as error:
        read_shelx(path)
    assert said in str(error.value)
    assert "a.hkl" in str(error.value)


@pytest.mark.parametrize("told", ["HKLF 4", "HKLF 4 1", "HKLF 4 1 1 0 0 0 1 0 0 0 1", "REM HKLF 3\nHKLF 4"])
def test_hklf_4_in_all_its_forms(tmp_path, told):
    data = read_shelx(shelx(tmp_path, some_rows(), INS.replace("HKLF 4", told)))
    assert data.warnings == ()
    assert len(data.remarks) == 2


def test_an_instruction_behind_the_records_holds_too(tmp_path):
    path = shelx(tmp_path, some_rows(), INS.replace("HKLF 4", ""))
    path.write_text(path.read_text() + "\n_exptl_special_details\nHKLF 5\n")
    with pytest.raises(NotHklf4):
        read_shelx(path)


def test_negative_batches_are_parts_of_twins(tmp_path):
    rows = [(*row[:5], "  -2" if n % 2 else "   1") for n, row in enumerate(some_rows())]
    with pytest.raises(NotHklf4, match="HKLF 5 .20 negative batch numbers"):
        read_shelx(shelx(tmp_path, rows))


def test_what_the_numbers_are_is_assumed_where_nothing_tells(tmp_path):
    data = read_shelx(shelx(tmp_path, some_rows(), INS.replace("HKLF 4", "")))
    assert "squared amplitudes (HKLF 4)" in data.assumed[-1]
    assert not [said for said in read_shelx(shelx(tmp_path, some_rows(), INS)).assumed if "HKLF" in said]


def test_records_behind_the_end(tmp_path):
    rows = [*some_rows(), (0, 0, 0, 0.0, 0.0, ""), *some_rows(7)]
    (doubt,) = read_shelx(shelx(tmp_path, rows)).warnings
    assert doubt.startswith("7 records stand behind its end (its line 41")


def test_two_files_beside_it_that_differ(tmp_path):
    path = shelx(tmp_path, some_rows())
    (tmp_path / "a.p4p").write_text("CELL     5.4320 8.1410 13.0 90.0 98.3 90.0 527.1\n")
    (doubt,) = read_shelx(path).warnings
    assert doubt.endswith("5.432 8.141 13 90 98.3 90 by a.p4p: that of a.ins is taken")


# Numbers
