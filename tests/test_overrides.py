from __future__ import annotations

import re

import pytest

from autoproc.overrides import BadParameter, UnknownParameter, split_arguments, with_overrides
from autoproc.params import Params


class ExampleParams(Params):
    d_min: float | None = None
    n: int = 3
    unit_cell: tuple[float, ...] | None = None
    image_range: tuple[int, int] | None = None
    mask: tuple[tuple[int, int, int, int], ...] = ()
    box: tuple[int, int, int, int] = (0, 0, 1, 1)
    anomalous: bool = False
    name: str = "x"


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("d_min=1.8", "d_min", 1.8),
        ("d_min=None", "d_min", None),
        ("d_min=auto", "d_min", None),
        ("n=7", "n", 7),
        ("unit_cell=1,2,3,90,90,90", "unit_cell", (1, 2, 3, 90, 90, 90)),
        ("unit_cell=1 2 3 90 90 90", "unit_cell", (1, 2, 3, 90, 90, 90)),
        ("mask=0,0,5,5;7,7,9,9", "mask", ((0, 0, 5, 5), (7, 7, 9, 9))),
        ("mask=((0, 0, 5, 5), (7, 7, 9, 9))", "mask", ((0, 0, 5, 5), (7, 7, 9, 9))),
        ("mask=((0,0,5,5),)", "mask", ((0, 0, 5, 5),)),
        ("mask=[[0,0,5,5],[7,7,9,9]]", "mask", ((0, 0, 5, 5), (7, 7, 9, 9))),
        ("mask=(0,0,5,5);(7,7,9,9)", "mask", ((0, 0, 5, 5), (7, 7, 9, 9))),
        ("mask=()", "mask", ()),
        ("image_range=1-30", "image_range", (1, 30)),
        ("image_range=1,30", "image_range", (1, 30)),
        ("anomalous=True", "anomalous", True),
        ("name=P 21 21 21", "name", "P 21 21 21"),
    ],
)
def test_values_are_what_crystallographers_write(text, field, value):
    _, overrides = split_arguments([text])
    assert getattr(with_overrides(ExampleParams(), overrides, "example"), field) == value


def test_paths_with_equals_signs_are_paths():
    assert split_arguments(["./a=b.cbf", "d_min=2", "/x/y=z"]) == (["./a=b.cbf", "/x/y=z"], {"d_min": "2"})


def test_unknown_parameter_names_the_nearest():
    with pytest.raises(UnknownParameter, match="did you mean example.anomalous"):
        with_overrides(ExampleParams(), {"anomolous": "1"}, "example")


def test_bad_value_says_why():
    with pytest.raises(BadParameter, match="n=three"):
        with_overrides(ExampleParams(), {"n": "three"}, "example")


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("box", "1,2", "example.box=1,2 is not possible: it takes 4 values, 2 were given"),
        ("box", "1,2,3,4,5", "it takes 4 values, 5 were given"),
        ("mask", "1,2,3,4;5,6", "it takes 4 values, 2 were given"),
        ("box", "1,2,x,4", "it takes a whole number, and 'x' is none$"),
        ("n", "2.5", "n=2.5 is not possible: it takes a whole number$"),
        ("d_min", "high", "it takes a number$"),
    ],
)
def test_reasons_are_in_the_users_words(key, text, said):
    with pytest.raises(BadParameter) as caught:
        with_overrides(ExampleParams(), {key: text}, "example")
    assert re.search(said, caught.value.message)


class OuterParams(Params):
    inner: ExampleParams = ExampleParams()


def test_parameters_within_parameters():
    changed = with_overrides(OuterParams(), {"inner.n": "4"}, "outer")
    assert changed.inner == ExampleParams(n=4)
    assert with_overrides(changed, {"inner": {"name": "y"}}, "outer").inner == ExampleParams(n=4, name="y")
    for wrong in ({"inner.m": "4"}, {"inner": "4"}, {"inner.n.o": "4"}, {"innr.n": "4"}):
        with pytest.raises(UnknownParameter):
            with_overrides(OuterParams(), wrong, "outer")


def test_a_file_with_an_equals_sign_in_its_name_is_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "phi=30_0001.cbf").write_bytes(b"")
    assert split_arguments(["phi=30_0001.cbf", "phi=30_0002.cbf"]) == (["phi=30_0001.cbf"], {"phi": "30_0002.cbf"})


@pytest.mark.parametrize("key", ["n", "d_min", "box"])
def test_bytes_that_are_no_text_are_refused_and_shown_spelt_out(key):
    with pytest.raises(BadParameter, match="UTF-8|number|valid") as caught:
        with_overrides(ExampleParams(), {key: "\udcff"}, "example")
    caught.value.message.encode()


def test_what_is_in_no_table_is_not_told_to_be():
    with pytest.raises(UnknownParameter) as caught:
        with_overrides(ExampleParams(), {"nonsense": "3"}, "", "autoproc example")
    assert str(caught.value) == "there is no parameter nonsense: `autoproc example` prints every parameter"
    with pytest.raises(BadParameter, match=r"^n=x is not possible.*`autoproc example` shows"):
        with_overrides(ExampleParams(), {"n": "x"}, "", "autoproc example")


def test_a_table_is_told_where_nothing_is_alike():
    with pytest.raises(UnknownParameter, match="`autoproc config example` prints every parameter"):
        with_overrides(ExampleParams(), {"nonsense": "3"}, "example")
