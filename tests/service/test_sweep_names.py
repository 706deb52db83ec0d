from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.service.sweep_names import with_place

FOLDERS = st.lists(st.sampled_from(["visit1", "visit2", "c1", "raw"]), max_size=4).map(lambda p: Path("/data", *p))


@pytest.mark.parametrize(
    ("folder", "rival", "expected"),
    [
        ("/data/visit2/c1", "/data/visit1/c1", "visit2_c1"),
        ("/data/visit2", "/data/visit1", "visit2_c1"),
        ("/data/visit1/raw/b", "/data/visit1/raw/a", "b_c1"),
        ("/data/visit1/again", "/data/visit1", "again_c1"),
        ("/data/visit1", "/data/visit1/again", "visit1_c1"),
        ("/data/visit1", "/data/visit1", "c1"),
    ],
)
def test_the_folder_that_differs_stands_before_the_name(folder: str, rival: str, expected: str) -> None:
    assert with_place("c1", Path(folder), Path(rival)) == expected


@given(FOLDERS, FOLDERS)
def test_another_folder_gives_another_name(folder: Path, rival: Path) -> None:
    assert (with_place("x", folder, rival) == "x") == (folder == rival)
    assert with_place("x", folder, rival).endswith("x")
