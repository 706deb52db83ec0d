from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from autoproc.text_tables import ruled_table


def test_columns_are_ruled_and_right_aligned():
    assert ruled_table(("Exp", "name"), [(0, "first"), (11, "b")], units=("id", ""), left=(1,)) == "\n".join(
        [
            "+-------+--------+",
            "|   Exp | name   |",
            "|    id |        |",
            "|-------+--------|",
            "|     0 | first  |",
            "|    11 | b      |",
            "+-------+--------+",
        ]
    )


def test_floats_lose_trailing_zeros():
    assert ruled_table(("x",), [(0.5,), (0.0,), (2.0,), (0.12345,)]).count("0.5") == 1
    lines = ruled_table(("x",), [(0.5,), (0.0,), (2.0,), (0.12345,)]).splitlines()[3:-1]
    assert [line.strip("| ") for line in lines] == ["0.5", "0", "2", "0.123"]


@given(st.lists(st.tuples(st.integers(), st.text("ab ", max_size=12)), max_size=5))
def test_all_lines_are_equally_long(rows):
    table = ruled_table(("number", "words"), rows, units=("", "(px)"))
    assert len({len(line) for line in table.splitlines()}) == 1
