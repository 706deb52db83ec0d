"""What strangers call their files acts on nobody who reads it."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from autoproc.errors import CorruptFile, InputError
from autoproc.legible import legible, legible_lines, natural_key, plain
from autoproc.text_tables import ruled_table

# Of every kind: control characters, halves of characters, letters of all languages.
texts = st.text(st.characters() | st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp"]))


@given(texts)
@example("\x1b[2J\x1b]0;owned\x07")
@example("a\nb\r\x85\u2028c")
@example("caf\udce9")
def test_one_line_that_every_terminal_can_show(text):
    shown = legible(text)
    shown.encode("utf-8")
    assert len(shown.splitlines()) <= 1
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in shown)


@given(texts)
def test_lines_stay_lines(text):
    shown = legible_lines(text)
    assert shown.count("\n") == text.count("\n")
    assert legible(shown.replace("\n", "").replace("\t", "")) == shown.replace("\n", "").replace("\t", "")


@pytest.mark.parametrize("text", ["lyso #2 50% \u00e9=x", "\u03c6 = 30\u00b0", "\u30b5\u30f3\u30d7\u30eb", "a\\b"])
def test_what_is_no_harm_stays(text):
    assert legible(text) == text


@pytest.mark.parametrize(("text", "shown"), [("\x1b[31m", "\\x1b[31m"), ("a\nb", "a\\x0ab"), ("\udce9", "\\udce9")])
def test_the_rest_is_spelt_out(text, shown):
    assert legible(text) == shown


def test_the_direction_of_writing_is_not_turned():
    assert legible("gpj\u202efdp") == "gpj\\u202efdp"


@given(texts)
def test_an_error_is_one_line_whatever_the_name(name):
    message = CorruptFile(path=f"/data/{name}", reason="it is truncated").message
    assert len(message.splitlines()) == 1
    message.encode("utf-8")


@given(texts)
def test_a_table_keeps_its_rows(name):
    assert len(ruled_table(["name"], [[name]]).splitlines()) == 5


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("(np.float64(0.1), np.float32(2e-05)) mm", "(0.1, 2e-05) mm"),
        ("could not convert string to float: np.bytes_(b'abc')", "could not convert string to float: 'abc'"),
        ("np.str_('x') np.True_ np.int64(-3)", "'x' True -3"),
        (b"in a file\xff", "in a file\ufffd"),
        ("a map(x) of np.pi", "a map(x) of np.pi"),
    ],
)
def test_values_stand_as_people_write_them(text, shown):
    assert plain(text) == legible_lines(text) == shown


VALUES = [np.float64(0.1), np.float32(0.5), np.int64(3), np.bytes_(b"ab"), np.str_("ab"), b"ab", np.bool_(True)]


@given(st.lists(st.sampled_from(VALUES), max_size=3), st.sampled_from(VALUES))
def test_no_error_shows_the_types_of_its_facts(values, value):
    class Wrong(InputError):
        what = "{path}: {one} {several} {pair} {said}"

    shown = Wrong(path="x", one=value, several=values, pair=tuple(values), said=f"{values}").message
    assert "np." not in shown


@given(st.lists(st.integers(0, 10**12), min_size=2, max_size=5), st.sampled_from(["x_{}", "a{}/b", "Lyso{}_2"]))
def test_numbers_in_names_go_by_their_value(numbers, pattern):
    names = [pattern.format(number) for number in numbers]
    assert sorted(names, key=natural_key) == [pattern.format(number) for number in sorted(numbers)]


def test_neither_capitals_nor_zeros_come_first():
    assert sorted(["b_1", "A_02", "a_1", "B_3", "a_010"], key=natural_key) == ["a_1", "A_02", "a_010", "b_1", "B_3"]
    assert natural_key("x_0") < natural_key("x_00a") < natural_key("x_1")
