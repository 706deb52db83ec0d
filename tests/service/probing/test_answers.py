"""What the service asks of files: images in formats other than CBF and HDF5."""

import fabio.tifimage
import numpy as np
import pytest
from ccd_files import WRITERS, counts

from autoproc.importing.params import ImportParams
from autoproc.service.probing.answers import answer_to
from autoproc.service.probing.questions import CutOff, KindOf, Pace, PaceOf


@pytest.mark.parametrize("name", WRITERS)
def test_an_image_is_whole_when_its_header_says_so(tmp_path, name):
    path = tmp_path / name
    WRITERS[name](path, counts())
    size = path.stat().st_size
    assert answer_to(KindOf(path), ImportParams()) == "files"
    assert answer_to(CutOff(tmp_path, {name: size}), ImportParams()) == ()
    assert answer_to(CutOff(tmp_path, {name: size - 1}), ImportParams()) == (name,)


def test_the_pace_is_the_exposure(tmp_path):
    WRITERS["x_001.img"](tmp_path / "x_001.img", counts())
    assert answer_to(PaceOf(tmp_path / "x_001.img"), ImportParams()) == Pace(None, 1.0)


def test_images_that_say_nothing_are_waited_for_as_they_come(tmp_path):
    fabio.tifimage.TifImage(data=counts()).write(str(tmp_path / "x_0001.tif"))
    assert answer_to(PaceOf(tmp_path / "x_0001.tif"), ImportParams()) == Pace(None, 0.0)


@pytest.mark.parametrize(("size", "is_cut_off"), [(4000, False), (1000, True)])
def test_a_photograph_does_not_become_an_image_by_waiting(tmp_path, size, is_cut_off):
    fabio.tifimage.TifImage(data=np.zeros((100, 100), np.uint8)).write(str(tmp_path / "crystal_1.tif"))
    assert answer_to(CutOff(tmp_path, {"crystal_1.tif": size}), ImportParams()) == ("crystal_1.tif",) * is_cut_off


def test_what_is_gone_is_not_cut_off(tmp_path):
    assert answer_to(CutOff(tmp_path, {"x_0001.cbf": 100}), ImportParams()) == ()
