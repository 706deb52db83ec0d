"""autoproc simulate tells of its own parameters, which stand in no table of the configuration."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from autoproc.cli import app


def simulate(*arguments):
    result = CliRunner().invoke(app, ["simulate", *arguments])
    return result.exit_code, " ".join(result.output.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense=3"], "there is no parameter nonsense `autoproc simulate --parameters` prints every parameter"),
        (["structure_sed=3"], "there is no parameter structure_sed did you mean structure_seed"),
        (["seed=x"], "seed=x is not possible: it takes a whole number `autoproc simulate --parameters` shows"),
        (["small", "nonsense"], "there is no preset nonsense give one of demo, small, sweep"),
    ],
)
def test_wrong_parameters(tmp_path, arguments, said):
    status, output = simulate(*arguments, "-o", str(tmp_path))
    assert status == 2
    assert said in output
    assert list(tmp_path.iterdir()) == []


def test_all_parameters_are_told_with_their_values():
    status, output = simulate("small", "simulate.seed=7", "--parameters")
    assert status == 0
    assert "[small]" in output
    assert "seed = 7" in output
    assert "Give it for several sweeps of one structure." in output
    assert 'space_group = "P 21 21 21"' in output
