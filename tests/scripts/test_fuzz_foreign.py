"""What is damaged must be whole to begin with, or nothing but refusals is tried."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
from fuzzing.foreign import INS, seeds

from autoproc.formats.observed.observation_files import reader_of_observations
from autoproc.formats.observed.xds_inp import is_xds_geometry, read_xds_inp


@pytest.mark.parametrize("name", seeds())
def test_whole_files_of_other_programs_are_read(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(seeds()[name])
    (tmp_path / "a.ins").write_bytes(INS)
    read = reader_of_observations(path)
    if read is not None:
        assert len(read(path).reflections) > 30
    else:
        assert is_xds_geometry(path.read_bytes())
        assert read_xds_inp(path).scan.image_range[0] == 1
