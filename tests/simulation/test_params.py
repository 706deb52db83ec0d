from __future__ import annotations

import ast
from pathlib import Path

import pytest
from pydantic import ValidationError

import autoproc.simulation
from autoproc.overrides import with_overrides
from autoproc.params import meanings
from autoproc.simulation import SimulateParams, demo_params, small_params

ALLOWED = (
    "autoproc.simulation",
    "autoproc.models",
    "autoproc.formats.images.write_",
    "autoproc.formats.hdf5.write_",
    "autoproc.kernels.simulate_spots",
    "autoproc.errors",
    "autoproc.params",
    "autoproc.threads",
)


def test_every_field_is_described():
    assert set(SimulateParams.model_fields) == set(meanings(SimulateParams))


def test_the_simulator_shares_no_code_with_what_it_tests():
    for source in Path(autoproc.simulation.__file__).parent.glob("*.py"):
        if source.stem.startswith("beamline"):  # it hands on the images of finished sweeps, and simulates none
            continue
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("autoproc"):
                assert node.module.startswith(ALLOWED), f"{source.name} imports {node.module}"


def test_parameters_survive_json():
    params = demo_params(
        second_lattice=(1.0, 2.0, 3.0), blank_images=((3, 5),), orientation=(1, 0, 0, 0, 1, 0, 0, 0, 1)
    )
    assert SimulateParams.model_validate_json(params.model_dump_json()) == params


def test_command_line_values():
    given = {"cell": "96,51,62,90,112,90", "blank_images": "3,5;9,9", "second_lattice": "0,0,5", "two_theta": "20"}
    params = with_overrides(small_params(), given, "simulate")
    assert params.cell == (96, 51, 62, 90, 112, 90)
    assert params.blank_images == ((3, 5), (9, 9))
    assert params.second_lattice == (0, 0, 5)
    assert params.two_theta == 20


@pytest.mark.parametrize("wrong", [{"n_images": 0}, {"distance": -5}, {"seed": -1}, {"detector": "film"}, {"flux": 3}])
def test_impossible_values_are_refused(wrong):
    with pytest.raises(ValidationError):
        SimulateParams(**wrong)
