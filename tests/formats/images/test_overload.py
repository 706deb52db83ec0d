"""A file's number for where pixels are full that cannot be one, or none at all: said, with what is taken instead."""

from __future__ import annotations

import struct

import h5py
import numpy as np
import pytest
from cbf_files import write_image
from ccd_files import counts, write_bruker, write_dtrek, write_marccd, write_smv
from nexus_files import SIZE, write_master

from autoproc.formats.hdf5.nexus import read_master
from autoproc.formats.header_values import OVERLOAD
from autoproc.formats.images.minicbf import NO_CUTOFF
from autoproc.formats.registry import read_image_models
from autoproc.importing.params import ImportParams
from autoproc.stages.import_sweep import import_sweeps


def said(remarks):
    return [remark for remark in remarks if remark.startswith(OVERLOAD)]


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "says 0, which"), (-1, "says -1, which"), (np.nan, "says NaN"), (np.inf, "says inf"), (None, "does not say"),
     (np.full(SIZE, np.nan), "says NaN"), ("nan", "says NaN")],
)  # fmt: skip
def test_a_saturation_value_that_is_none_is_said(tmp_path, value, words):
    master = write_master(tmp_path / "x_master.h5", np.ones((4, *SIZE)), dtype=np.uint32)
    with h5py.File(master, "r+") as handle:
        detector = handle["entry/instrument/detector"]
        del detector["saturation_value"]
        if value is not None:
            detector["saturation_value"] = value
    found = read_master(master).whole
    (remark,) = said(found.remarks)
    assert words in remark
    assert f"{found.detector[0].trusted_range[1]:.10g} counts on" in remark
    assert found.detector[0].trusted_range[1] == 0x7FFFFFFF


def test_a_saturation_value_that_is_one_is_not(tmp_path):
    found = read_master(write_master(tmp_path / "x_master.h5", np.ones((4, *SIZE)))).whole
    assert found.detector[0].trusted_range[1] == 5000
    assert not said(found.remarks)


@pytest.mark.parametrize(
    ("cutoff", "words"), [("0 counts", "'0 counts'"), ("-1 counts", "'-1 counts'"), ("nan", "'nan'"), (None, "not say")]
)
def test_a_count_cutoff_that_is_none_is_said(tmp_path, cutoff, words):
    models = read_image_models(write_image(tmp_path / "x_0001.cbf", {"Count_cutoff": cutoff}))
    (remark,) = said(models.remarks)
    assert words in remark
    assert models.detector[0].trusted_range[1] == NO_CUTOFF
    assert not said(read_image_models(write_image(tmp_path / "y_0001.cbf")).remarks)


@pytest.mark.parametrize("value", [0, -5])
def test_ccd_headers_without_a_saturation_that_can_be_say_so(tmp_path, value):
    write_smv(tmp_path / "x_001.img", counts(), CCD_IMAGE_SATURATION=value)
    write_dtrek(tmp_path / "d_0001.img", counts(), SATURATED_VALUE=value)
    for name in ("x_001.img", "d_0001.img"):
        (remark,) = said(read_image_models(tmp_path / name).remarks)
        assert f"'{value}'" in remark
        assert "65535 counts on" in remark


def test_of_two_fields_the_one_that_can_be_counts(tmp_path):
    write_smv(tmp_path / "x_001.img", counts(), CCD_IMAGE_SATURATION=0, SATURATED_VALUE=50000)
    models = read_image_models(tmp_path / "x_001.img")
    assert models.detector[0].trusted_range[1] == 50000
    assert not said(models.remarks)


def test_a_marccd_that_is_full_at_nothing_says_so(tmp_path):
    path = tmp_path / "x_001.mccd"
    write_marccd(path, counts())
    content = bytearray(path.read_bytes())
    content[1128:1132] = struct.pack("<i", -1)
    path.write_bytes(content)
    (remark,) = said(read_image_models(path).remarks)
    assert "says -1" in remark


def test_bruker_images_never_say(tmp_path):
    write_bruker(tmp_path / "x_01_0001.sfrm", counts(shape=(1024, 1024)))
    (remark,) = said(read_image_models(tmp_path / "x_01_0001.sfrm").remarks)
    assert "60000 counts on, since the file does not say" in remark


def test_what_a_user_says_of_it_is_not_assumed(tmp_path):
    for n in range(1, 5):
        angle = {"Start_angle": f"{(n - 1) * 0.5:.4f} deg.", "Count_cutoff": "0 counts"}
        write_image(tmp_path / f"x_000{n}.cbf", angle)
    (assumed,) = import_sweeps([tmp_path], ImportParams()).experiments
    (given,) = import_sweeps([tmp_path], ImportParams(max_trusted=70000)).experiments
    assert said(assumed.experiment.remarks)
    assert not said(given.experiment.remarks)
    assert given.experiment.detector[0].trusted_range[1] == 70000
