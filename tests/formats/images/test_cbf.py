from __future__ import annotations

import base64
import bz2
import gzip
import hashlib
from concurrent.futures import ThreadPoolExecutor

import fabio
import numpy as np
import pytest
from cbf_files import SIZE, cbf_bytes, header, image, write_image, write_sweep
from shared_data import shared

from autoproc.errors import CorruptFile, UnreadableFile, UnsupportedFile
from autoproc.formats.compressed import read_whole
from autoproc.formats.images.cbf import agrees_with_md5, read_cbf, read_cbf_header, read_content
from autoproc.formats.images.file_frames import FileReader
from autoproc.formats.registry import CBF, kind_of, open_reader, read_experiment, read_image
from autoproc.kernels.byte_offset_write import encode_byte_offset
from autoproc.models.experiment import ImageSet, Scan


def saved(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(("suffix", "compress"), [("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress)])
def test_pixels_are_as_written(tmp_path, suffix, compress):
    pixels = image(3)
    path = saved(tmp_path / f"a name_0001.cbf{suffix}", compress(cbf_bytes(pixels, header())))
    found, read = read_cbf(path)
    np.testing.assert_array_equal(read, pixels)
    assert read.dtype == np.int32  # one pixel has 70000
    assert found.image_size == SIZE[::-1]
    assert "# Wavelength 0.97630 A\n" in found.text


def test_content_not_name_decides(tmp_path):
    path = saved(tmp_path / "image.dat", gzip.compress(cbf_bytes(image(), header())))
    assert kind_of(path) == "cbf"
    assert read_cbf(path)[1].shape == SIZE


def test_gzip_in_several_members(tmp_path):
    content = cbf_bytes(image(), header())
    path = saved(tmp_path / "x_1.cbf.gz", gzip.compress(content[:500]) + gzip.compress(content[500:]))
    np.testing.assert_array_equal(read_cbf(path)[1], image())


def test_header_that_is_longer_than_what_is_read_first(tmp_path):
    path = saved(tmp_path / "x_1.cbf", cbf_bytes(image(), header(), items="# long\r\n" * 20000))
    assert read_cbf_header(path).image_size == SIZE[::-1]


def test_newlines_without_carriage_returns(tmp_path):
    before, start, after = cbf_bytes(image(), header()).partition(b"\x0c\x1a\x04\xd5")
    path = saved(tmp_path / "x_1.cbf", before.replace(b"\r\n", b"\n") + start + after)
    np.testing.assert_array_equal(read_cbf(path)[1], image())


def test_uncompressed_pixels(tmp_path):
    pixels = image()
    path = saved(tmp_path / "x_1.cbf", cbf_bytes(pixels, header(), data=pixels.tobytes(), compression="x-CBF_NONE"))
    np.testing.assert_array_equal(read_cbf(path)[1], pixels)


def test_marker_of_bad_pixels_is_negative(tmp_path):
    pixels = np.array([[0, 65535, 65534, 7]], np.uint16)
    content = cbf_bytes(
        pixels, header(), data=pixels.tobytes(), compression="x-CBF_NONE",
        mime={"X-Binary-Element-Type": '"unsigned 16-bit integer"'},
    )  # fmt: skip
    np.testing.assert_array_equal(read_cbf(saved(tmp_path / "x_1.cbf", content))[1], [[0, -1, -2, 7]])


GOOD = cbf_bytes(image(), header())
DATA_AT = GOOD.index(b"\x0c\x1a\x04\xd5") + 4


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (GOOD[:300], "no binary section was found"),
        (GOOD[: DATA_AT + 100], r"truncated: 100 of \d+ bytes"),
        (gzip.compress(GOOD)[:-40], "truncated or not properly compressed"),
        (bz2.compress(GOOD)[:-40], "truncated or not properly compressed"),
        (cbf_bytes(image(), header(), mime={"X-Binary-Size": "300"}), "30 x 20 pixels take 300 bytes"),
        (cbf_bytes(image(), header(), mime={"X-Binary-Size": "700"}), r"take \d+ bytes, but its header says 700"),
        (cbf_bytes(image(), header(), mime={"X-Binary-Size": "many"}), "X-Binary-Size of its binary section is 'many'"),
        (cbf_bytes(image(), header(), mime={"X-Binary-Size": None}), "X-Binary-Size of its binary section is missing"),
        (cbf_bytes(image(), header(), mime={"X-Binary-Number-of-Elements": "7"}), "says 7 pixels, but 30 x 20"),
        (cbf_bytes(image(), header(), mime={"X-Binary-Size-Fastest-Dimension": "0"}), "0 x 20 as dimensions"),
        (cbf_bytes(image(), header(), compression="x-CBF_NONE"), "cannot take"),
    ],
)  # fmt: skip
def test_damage_is_told_with_the_name_of_the_file(tmp_path, content, reason):
    path = saved(tmp_path / "bad one_0001.cbf", content)
    with pytest.raises(CorruptFile, match=reason) as raised:
        read_cbf(path)
    assert "bad one_0001.cbf" in str(raised.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"Not an image at all" * 10, "does not begin with ###CBF"),
        (cbf_bytes(image(), header(), compression="x-CBF_PACKED"), "compressed with 'x-CBF_PACKED'"),
        (cbf_bytes(image(), header(), mime={"X-Binary-Element-Type": '"signed 64-bit real IEEE"'}), "64-bit real"),
        (cbf_bytes(image(), header(), mime={"X-Binary-Size-Third-Dimension": "8"}), "three dimensions"),
    ],
)
def test_kinds_that_are_not_known(tmp_path, content, reason):
    with pytest.raises(UnsupportedFile, match=reason):
        read_cbf(saved(tmp_path / "x_1.cbf", content))


MD5 = {"right": base64.b64encode(hashlib.md5(encode_byte_offset(image())).digest()).decode(), "wrong": "A" * 22 + "=="}


@pytest.mark.parametrize(
    ("said", "agrees"),
    [(MD5["right"], True), (MD5["wrong"], False), (None, None), ("AAAA", None), ("no base64!", None), ("é", None)],
)
def test_checksum(tmp_path, said, agrees):
    path = saved(tmp_path / "x_1.cbf", cbf_bytes(image(), header(), mime={"Content-MD5": said}))
    assert agrees_with_md5(path, path.read_bytes()) is agrees


def test_single_image_with_a_wrong_checksum(tmp_path):
    path = saved(tmp_path / "x_1.cbf", cbf_bytes(image(), header(), mime={"Content-MD5": MD5["wrong"]}))
    with pytest.raises(CorruptFile, match=r"x_1.cbf is damaged: .*MD5"):
        read_image(path)


def test_missing_file(tmp_path):
    with pytest.raises(UnreadableFile, match=r"x_1.cbf cannot be read \(No such file"):
        read_cbf(tmp_path / "x_1.cbf")


def test_reader_of_a_sweep(tmp_path):
    write_sweep(tmp_path, "a b_####.cbf.gz", range(5, 9))
    experiment = read_experiment(tmp_path / "a b_0005.cbf.gz")
    panel = experiment.detector[0]
    images = ImageSet("cbf", str(tmp_path / "a b_####.cbf.gz"))
    reader = FileReader(CBF, images, Scan((5, 8), (0, 1)), experiment.detector)
    assert (reader.n_frames, reader.shape, reader.max_trusted) == (4, SIZE, panel.trusted_range[1])
    assert reader.path(3) == tmp_path / "a b_0008.cbf.gz"
    with ThreadPoolExecutor(4) as pool:
        for frame, pixels in enumerate(pool.map(reader.read, range(4))):
            np.testing.assert_array_equal(pixels, image(5 + frame))
    with pytest.raises(IndexError):
        reader.read(4)


def test_mask_is_rectangles_and_negative_pixels(tmp_path):
    write_image(tmp_path / "x_0001.cbf")
    experiment = read_experiment(tmp_path / "x_0001.cbf")
    panel = experiment.detector[0]
    object.__setattr__(panel, "mask", ((5, 2, 8, 4),))
    mask = open_reader(experiment).mask
    expected = image() >= 0
    expected[2:4, 5:8] = False
    np.testing.assert_array_equal(mask, expected)
    assert not mask[0, 0]


def test_frame_of_another_size(tmp_path):
    write_image(tmp_path / "x_0001.cbf")
    (tmp_path / "x_0002.cbf").write_bytes(cbf_bytes(image(0, (10, 30)), header()))
    experiment = read_experiment(tmp_path / "x_0001.cbf")
    reader = FileReader(CBF, experiment.imageset, Scan((1, 2), (0, 1)), experiment.detector)
    with pytest.raises(CorruptFile, match=r"x_0002.cbf is damaged: its image has 30 x 10 pixels, the detector 30 x 20"):
        reader.read(1)


REAL = [
    "real/frames/dlsnxs2cbf_therm_0001.cbf.gz",
    "real/frames/DLS_I03_smargon_0001.cbf.gz", "real/frames/in16c_010001.cbf.gz", "real/frames/phi_scan_001.cbf.gz",
    "real/frames/run2_1_00148.cbf.bz2", "real/frames/thaum_0500.cbf.gz", "real/l_cysteine_i19/l-cyst_01_00001.cbf.gz",
    "simulated/lysozyme/lysozyme_00001.cbf.gz",
]  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_real_frames_read_as_fabio_reads_them(tmp_path, name):
    path = shared(name)
    plain = saved(tmp_path / "plain.cbf", read_whole(path))
    np.testing.assert_array_equal(read_cbf(path)[1], fabio.open(str(plain)).data)
    assert agrees_with_md5(path, read_content(path)) is not False
