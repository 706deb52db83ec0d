from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.legible import legible
from autoproc.service.sweeps.sweep_names import folder_name, with_place

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


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("lyso", "lyso"),
        ("lyso #2 50% \u00e9", "lyso #2 50% \u00e9"),
        ("index.html", "index.html_sweep"),
        ("INDEX.html", "INDEX.html_sweep"),
        (".autoproc", "_autoproc"),
        ("..", "_."),
        ("-rf", "_rf"),
        ("../../etc", "_._.._etc"),
        ("caf\udce9", "caf_"),
        ("a\x1b[2Jb\nc", "a_[2Jb_c"),
        ("", "sweep"),
        ("x" * 300, "x" * 180),
    ],
)
def test_a_folder_is_its_own_and_nobody_elses(name: str, folder: str) -> None:
    assert folder_name(name) == folder


@given(st.text(st.characters() | st.characters(categories=["Cc", "Cs"]) | st.sampled_from("./-")))
def test_every_name_gives_a_folder_within_the_results(name: str) -> None:
    folder = folder_name(name)
    assert folder_name(folder) == folder
    assert (Path("/results") / folder).parent == Path("/results")
    assert Path("/results") / folder != Path("/results")
    assert folder[0] not in ".-"
    assert legible(folder) == folder
    assert len(folder.encode()) <= 200
