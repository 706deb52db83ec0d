from __future__ import annotations

from dataclasses import replace

import pytest
from models_for_tests import experiment
from typer.testing import CliRunner

from autoproc.cli import app
from autoproc.errors import CorruptFile, UnsupportedFile
from autoproc.formats.dials.expt import read_expt, write_expt
from autoproc.formats.dials.unsupported_models import MapNotRead, PanelsNotRead, require_known_models
from autoproc.formats.registry import open_reader
from autoproc.models.experiment import Detector, ImageSet
from autoproc.reports.show import describe

ONE = experiment()
TWO_PANELS = replace(ONE, detector=Detector((ONE.detector[0], ONE.detector[0])))
PEDESTAL = replace(ONE, detector=Detector((replace(ONE.detector[0], pedestal=40.0),)))


@pytest.mark.parametrize(("odd", "why"), [(TWO_PANELS, "2 panels"), (PEDESTAL, "pedestal of 40 counts")])
def test_what_no_stage_knows_is_refused_by_name(odd, why):
    with pytest.raises(UnsupportedFile, match=rf"x.expt.*experiment 1 has .*{why}|x.expt.*experiment 1 has a {why}"):
        require_known_models("x.expt", [ONE, odd])


def with_map(name, file="/data/pixels.pickle"):
    return replace(ONE, imageset=ImageSet("cbf", "/data/x_#####.cbf", (), {name: file}))


@pytest.mark.parametrize("name", ["dx", "dy"])
def test_a_map_of_distortion_is_refused_by_name(tmp_path, name):
    write_expt(tmp_path / "x.expt", [with_map(name)])
    with pytest.raises(UnsupportedFile, match=rf"x.expt.*experiment 0 have a map of distortion \({name}\)"):
        require_known_models(tmp_path / "x.expt", read_expt(tmp_path / "x.expt"))


@pytest.mark.parametrize(
    ("name", "what", "instead"),
    [("mask", "a mask", "mask="), ("gain", "gain", "gain="), ("pedestal", "pedestals", "off")],
)
def test_images_are_not_read_without_what_their_pixels_need(tmp_path, name, what, instead):
    write_expt(tmp_path / "x.expt", [with_map(name)])
    found = read_expt(tmp_path / "x.expt")
    require_known_models(tmp_path / "x.expt", found)  # other steps need no pixels
    with pytest.raises(MapNotRead, match=rf"x_#####.cbf.*{what}.*pixels.pickle.*{instead}"):
        open_reader(found[0])
    write_expt(tmp_path / "y.expt", found)
    assert read_expt(tmp_path / "y.expt")[0].imageset.extra == {name: "/data/pixels.pickle"}
    assert "pixels.pickle" in describe(tmp_path / "y.expt")


@pytest.mark.parametrize("empty", [None, ""])
def test_no_map_is_none(tmp_path, empty):
    write_expt(tmp_path / "x.expt", [with_map("mask", empty)])
    assert not read_expt(tmp_path / "x.expt")[0].imageset.extra


@pytest.mark.parametrize("gain", [0.0, -1.0])
def test_an_impossible_gain_is_refused(tmp_path, gain):
    write_expt(tmp_path / "x.expt", [replace(ONE, detector=Detector((replace(ONE.detector[0], gain=gain),)))])
    with pytest.raises(CorruptFile, match="gain"):
        read_expt(tmp_path / "x.expt")


def test_images_of_two_panels_are_not_called_damaged():
    odd = replace(TWO_PANELS, imageset=ImageSet("cbf", "/data/x_#####.cbf"))
    with pytest.raises(PanelsNotRead, match=r"x_#####.cbf are not read: .* detector of 2 panels"):
        open_reader(odd)


def test_models_of_one_panel_pass():
    require_known_models("x.expt", [ONE, ONE])


@pytest.mark.parametrize("step", ["find_spots", "index", "integrate", "scale"])
def test_every_step_refuses_two_panels(tmp_path, step):
    write_expt(tmp_path / "x.expt", [TWO_PANELS])
    (tmp_path / "x.refl").write_bytes(b"")
    result = CliRunner().invoke(app, [step, str(tmp_path / "x.expt"), "--output", str(tmp_path / "o")])
    assert result.exit_code != 0
    assert "2 panels" in " ".join(result.output.split())
