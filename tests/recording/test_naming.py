"""Names come from the start message, and lead nowhere but into the folder."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.recording.naming import LONGEST, fields_of, free_stem, name_of

MESSAGE = {"series_id": 7, "series_unique_id": "01AB", "user_data": {"sample": "lyso 1", "deep": {"run": 3}}}


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("series_{series_id}", "series_7"),
        ("{user_data.sample}/{user_data.sample}_{user_data.deep.run}", "lyso_1/lyso_1_3"),
        ("plain", "plain"),
    ],
)
def test_fields_are_filled_in(pattern, name):
    assert name_of(pattern, MESSAGE) == (Path(name), [])


def test_what_users_add_may_be_json():
    assert name_of("{user_data.sample}", {"user_data": '{"sample": "thau"}'}) == (Path("thau"), [])


def test_what_is_not_there_is_told():
    assert name_of("{sample}_{series_id}", MESSAGE) == (Path("unknown_7"), ["sample"])


@given(
    st.text(max_size=400) | st.integers() | st.floats() | st.lists(st.text()) | st.dictionaries(st.text(), st.text())
)
def test_no_value_leads_out_of_the_folder(value):
    name, _ = name_of("{user_data.x}/a_{user_data.x}", {"user_data": {"x": value}})
    assert not name.is_absolute()
    assert len(name.parts) == 2
    assert all(part.strip(".") and not part.startswith(".") for part in name.parts)
    assert all(len(part.encode()) <= 2 * LONGEST for part in name.parts)


@pytest.mark.parametrize("pattern", ["/x", "x/", "../x", "a/./b", "{series_id", "a}", "{}", ".x", ""])
def test_patterns_that_are_none(pattern):
    with pytest.raises(ValueError, match="name"):
        fields_of(pattern)


def test_a_name_that_is_taken_gets_a_number(tmp_path):
    assert free_stem(tmp_path, Path("a"), ()) == tmp_path / "a"
    (tmp_path / "a_master.h5").touch()
    assert free_stem(tmp_path, Path("a"), ()) == tmp_path / "a_2"
    (tmp_path / "a_2_data_000001.h5").touch()
    assert free_stem(tmp_path, Path("a"), {tmp_path / "a_3"}) == tmp_path / "a_4"
