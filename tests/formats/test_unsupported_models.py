from __future__ import annotations

from dataclasses import replace

import pytest
from models_for_tests import experiment
from typer.testing import CliRunner

from autoproc.cli import app
from autoproc.errors import UnsupportedFile
from autoproc.formats.expt import write_expt
from autoproc.formats.unsupported_models import require_known_models
from autoproc.models.experiment import Detector

ONE = experiment()
TWO_PANELS = replace(ONE, detector=Detector((ONE.detector[0], ONE.detector[0])))
PEDESTAL = replace(ONE, detector=Detector((replace(ONE.detector[0], pedestal=40.0),)))


@pytest.mark.parametrize(("odd", "why"), [(TWO_PANELS, "2 panels"), (PEDESTAL, "pedestal of 40 counts")])
def test_what_no_stage_knows_is_refused_by_name(odd, why):
    with pytest.raises(UnsupportedFile, match=rf"x.expt.*experiment 1 has .*{why}|x.expt.*experiment 1 has a {why}"):
        require_known_models("x.expt", [ONE, odd])


def test_models_of_one_panel_pass():
    require_known_models("x.expt", [ONE, ONE])


@pytest.mark.parametrize("step", ["find_spots", "index", "integrate", "scale"])
def test_every_step_refuses_two_panels(tmp_path, step):
    write_expt(tmp_path / "x.expt", [TWO_PANELS])
    (tmp_path / "x.refl").write_bytes(b"")
    result = CliRunner().invoke(app, [step, str(tmp_path / "x.expt"), "--output", str(tmp_path / "o")])
    assert result.exit_code != 0
    assert "2 panels" in " ".join(result.output.split())
