"""A checksum is worked out once for a file that stays what it was, and again for every other."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace
from typing import cast

import pytest
from simulated import simulated_sweep

from autoproc.formats import registry
from autoproc.formats.images import agreed_checksums, cbf, file_frames
from autoproc.formats.images.agreed_checksums import AgreedChecksums, lasting_stamp
from autoproc.formats.images.file_frames import FileFormat, WrongChecksum
from autoproc.formats.images.stamps import COARSE, FINE, Stamp
from autoproc.formats.registry import open_reader
from autoproc.stages.import_sweep import import_sweeps


@pytest.fixture
def images(tmp_path, tmp_path_factory):
    """Copies of a few images, written a while ago."""
    copies = []
    for path in simulated_sweep(tmp_path_factory, n_images=4).images:
        copies.append(tmp_path / path.name)
        copies[-1].write_bytes(path.read_bytes())
    time.sleep(1.5 * FINE)
    return copies


@pytest.fixture
def asked(monkeypatch):
    """Files whose checksum was worked out, in order."""
    paths = []

    def agrees(path, content):
        paths.append(path)
        return cbf.agrees_with_md5(path, content)

    monkeypatch.setattr(registry, "CBF", FileFormat(cbf.read_content, cbf.decode_pixels, agrees))
    monkeypatch.setattr(file_frames, "AGREED", AgreedChecksums())
    return paths


def reader_of(images):
    (sweep,) = import_sweeps(images).experiments
    return open_reader(sweep.experiment)


def test_it_is_worked_out_once_for_all_readers(images, asked):
    for _ in range(3):
        reader_of(images).read(2)
    assert asked.count(images[2]) == 1


def test_of_a_file_that_is_written_again_it_is_worked_out_again(images, asked):
    reader = reader_of(images)
    reader.read(2)
    images[2].write_bytes(images[2].read_bytes())
    reader.read(2)
    assert asked.count(images[2]) == 2


def test_damage_of_a_file_that_had_agreed_is_seen(images, asked):
    reader = reader_of(images)
    reader.read(2)
    content = bytearray(images[2].read_bytes())
    content[content.index(b"\x0c\x1a\x04\xd5") + 500] ^= 1
    images[2].write_bytes(content)
    with pytest.raises(WrongChecksum):
        reader.read(2)
    with pytest.raises(WrongChecksum):  # nor is that remembered as right
        reader.read(2)


def test_a_file_that_was_written_just_now_may_be_written_again_unseen(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"x")
    status = path.stat()
    assert lasting_stamp(status, status) is None
    time.sleep(1.5 * FINE)
    assert lasting_stamp(status, status) == Stamp.of_file(status)


def test_where_whole_seconds_are_told_it_takes_longer(tmp_path, monkeypatch):
    path = tmp_path / "x"
    path.write_bytes(b"x")
    os.utime(path, (1e9, 1e9))
    told = SimpleNamespace(**{name: getattr(path.stat(), name) for name in dir(path.stat()) if name.startswith("st_")})
    told.st_ctime, told.st_ctime_ns = 1e9, 10**18
    status = cast("os.stat_result", told)
    for seconds, lasts in ((COARSE - 0.5, False), (COARSE + 0.5, True)):
        monkeypatch.setattr(agreed_checksums.time, "time", lambda then=status.st_mtime + seconds: then)
        assert (lasting_stamp(status, status) is not None) == lasts


def test_what_was_written_while_it_was_read_lasts_not(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"x")
    before = path.stat()
    path.write_bytes(b"xy")
    time.sleep(1.5 * FINE)
    assert lasting_stamp(before, path.stat()) is None
    assert lasting_stamp(None, path.stat()) is None


def test_the_oldest_is_forgotten(tmp_path):
    known = AgreedChecksums(most=2)
    stamps = [Stamp(n) for n in range(3)]
    for stamp in stamps:
        known.keep(tmp_path, stamp)
    assert [known.has(tmp_path, stamp) for stamp in stamps] == [False, True, True]
    known.keep(tmp_path, None)
    assert not known.has(tmp_path, None)
