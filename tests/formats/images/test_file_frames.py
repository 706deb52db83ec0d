from __future__ import annotations

import base64
import hashlib
import os

import numpy as np
import pytest
from cbf_files import cbf_bytes, header, image

from autoproc.errors import CorruptFile
from autoproc.formats.images.damaged_frames import ForgivingReader
from autoproc.formats.images.file_frames import FileReader
from autoproc.formats.registry import CBF, read_experiment
from autoproc.kernels.byte_offset_write import encode_byte_offset
from autoproc.models.experiment import Scan

WRONG = base64.b64encode(bytes(16)).decode()


def write(path, pixels, is_right=True):
    md5 = base64.b64encode(hashlib.md5(encode_byte_offset(pixels)).digest()).decode() if is_right else WRONG
    path.write_bytes(cbf_bytes(pixels, header(), mime={"Content-MD5": md5}))


def sweep(tmp_path, n=40, wrong=(), room=0):
    """A reader of n images numbered from 1, of which those of some numbers have other pixels than their checksum."""
    for number in range(1, n + 1):
        write(tmp_path / f"x_{number:04d}.cbf", image(number), number not in wrong)
    experiment = read_experiment(tmp_path / "x_0001.cbf")
    return FileReader(CBF, experiment.imageset, Scan((1, n), (0, 1)), experiment.detector, room)


def test_damaged_pixels_are_left_out_by_their_checksum(tmp_path):
    reader = ForgivingReader(sweep(tmp_path, wrong=(7, 21)), 0.05)
    frames = [reader.read(frame) for frame in range(40)]
    assert [n for n, pixels in enumerate(frames, 1) if (pixels < 0).all()] == [7, 21]  # 21: one of those sampled
    np.testing.assert_array_equal(frames[7], image(8))
    assert len(reader.warnings(1)) == 2
    assert "image 7 left out" in reader.warnings(1)[0]
    assert "do not agree with their MD5 checksum" in reader.warnings(1)[0]


def test_the_first_image_damaged_does_not_discredit_the_others(tmp_path):
    reader = sweep(tmp_path, wrong=(1, 2))
    assert not reader.mask[0, 0]
    assert reader.mask[0, 1]
    with pytest.raises(CorruptFile, match=r"x_0001.cbf is damaged: its pixels do not agree"):
        reader.read(0)


def test_checksums_that_are_wrong_throughout_are_the_writers(tmp_path):
    reader = ForgivingReader(sweep(tmp_path, n=12, wrong=range(1, 13)), 0.05)
    for number in range(1, 13):
        np.testing.assert_array_equal(reader.read(number - 1), image(number))
    assert not reader.damaged
    (said,) = reader.warnings(1)
    assert "MD5 checksums in the images agree with none of those tried" in said


@pytest.mark.parametrize("n", [1, 2])
def test_few_images_with_wrong_checksums_are_damaged(tmp_path, n):
    reader = sweep(tmp_path, n, wrong=range(1, n + 1))
    with pytest.raises(CorruptFile, match="MD5"):
        reader.read(0)


def truncate(path):
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"\x0c\x1a\x04\xd5") + 50])


@pytest.mark.parametrize(("n", "said"), [(4, "none of the first 4 images"), (25, "none of the first 20 images")])
def test_where_all_images_are_truncated_the_message_speaks_of_all(tmp_path, n, said):
    reader = sweep(tmp_path, n)
    for path in tmp_path.iterdir():
        truncate(path)
    with pytest.raises(CorruptFile, match=rf"{said} can be read; .*x_0001.cbf is damaged: it is truncated") as caught:
        _ = reader.mask
    assert "copy the images again" in caught.value.advice
    assert "exclude_images" not in caught.value.advice


def test_where_one_image_is_all_its_own_error_is_told(tmp_path):
    reader = sweep(tmp_path, 1)
    truncate(tmp_path / "x_0001.cbf")
    with pytest.raises(CorruptFile, match=r"^\S*x_0001.cbf is damaged"):
        _ = reader.mask


def test_what_is_kept_is_not_verified_again(tmp_path, monkeypatch):
    reader = sweep(tmp_path, 2, room=1 << 20)
    reader.read(0)
    monkeypatch.setattr(hashlib, "md5", None)
    np.testing.assert_array_equal(reader.read(0), image(1))
    with pytest.raises(CorruptFile, match="TypeError"):
        reader.read(1)


def test_files_that_change_between_readings_are_named(tmp_path):
    reader = sweep(tmp_path)
    for frame in range(40):
        reader.read(frame)
    assert reader.remarks(1) == []
    for number in (20, 21, 30):
        path = tmp_path / f"x_{number:04d}.cbf"
        write(path, image(99))
        os.utime(path, ns=(1, 1))  # clocks of file systems may be coarse
    for frame in range(40):
        reader.read(frame)
    (said,) = reader.remarks(1)
    assert "changed on disk" in said
    assert "20-21, 30" in said
    assert "20" in reader.remarks(0)[0]
