from __future__ import annotations

import bz2
import gzip
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.errors import UnreadableFile
from autoproc.formats import compressed
from autoproc.formats.compressed import KEPT, START, read_start


def rested(path: Path, content: bytes, ago: float = 60.0) -> Path:
    """A file that nobody has touched for a while, as far as its times of modification go."""
    path.write_bytes(content)
    os.utime(path, (time.time() - ago,) * 2)
    return path


@pytest.fixture(autouse=True)
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are opened; files count as rested by their time of modification alone."""
    monkeypatch.setattr(compressed, "RESTED", -10.0)
    compressed._starts.clear()
    opened: list[str] = []
    open_descriptor = compressed.open_descriptor
    monkeypatch.setattr(compressed, "open_descriptor", lambda path: opened.append(str(path)) or open_descriptor(path))
    return opened


def test_a_beginning_is_read_once(tmp_path, reads):
    path = rested(tmp_path / "x_001.cbf", b"a" * 100)
    assert [read_start(path, n) for n in (10, 50, 4096)] == [b"a" * 10, b"a" * 50, b"a" * 100]
    assert len(reads) == 1


@pytest.mark.parametrize("content", [b"b" * 100, b"b" * 101])
def test_a_file_that_was_written_again_is_read_again(tmp_path, content):
    path = rested(tmp_path / "x_001.cbf", b"a" * 100)
    read_start(path, 10)
    rested(path, content, ago=30.0)
    assert read_start(path, 10) == b"b" * 10


def test_another_file_in_its_place_is_read(tmp_path):
    path = rested(tmp_path / "x_001.cbf", b"a" * 100)
    read_start(path, 10)
    rested(tmp_path / "new", b"b" * 100).replace(path)
    assert read_start(path, 10) == b"b" * 10


def test_what_was_just_written_is_not_kept(tmp_path, reads, monkeypatch):
    monkeypatch.setattr(compressed, "RESTED", 2.0)
    path = tmp_path / "x_001.cbf"
    path.write_bytes(b"a" * 100)
    assert read_start(path, 10) == b"a" * 10
    assert read_start(path, 10) == b"a" * 10
    assert len(reads) == 2


def test_a_file_that_is_gone_is_not_there_any_more(tmp_path):
    path = rested(tmp_path / "x_001.cbf", b"a" * 100)
    read_start(path, 10)
    path.unlink()
    with pytest.raises(UnreadableFile):
        read_start(path, 10)


def test_links_are_followed_every_time(tmp_path):
    first, second = rested(tmp_path / "a", b"a" * 9), rested(tmp_path / "b", b"b" * 9)
    link = tmp_path / "x_001.cbf"
    link.symlink_to(first)
    assert read_start(link, 3) == b"aaa"
    link.unlink()
    link.symlink_to(second)
    assert read_start(link, 3) == b"bbb"


def test_few_beginnings_are_kept(tmp_path):
    for number in range(KEPT + 10):
        read_start(rested(tmp_path / f"x_{number:03d}.cbf", b"a"), 1)
    assert len(compressed._starts) == KEPT


PACKERS = st.sampled_from([bytes, gzip.compress, bz2.compress])


@given(content=st.binary(max_size=300), n=st.integers(0, 400), pack=PACKERS)
def test_the_start_is_that_of_the_content(tmp_path_factory, content, n, pack):
    if content[:3] == b"BZh" or content[:2] == b"\x1f\x8b":
        return
    path = tmp_path_factory.mktemp("start") / "x"
    path.write_bytes(pack(content))
    assert read_start(path, n) == content[:n]


def test_longer_beginnings_are_read_as_they_are(tmp_path):
    path = rested(tmp_path / "x", bytes(range(256)) * (START // 128))
    assert len(read_start(path, START + 5)) == START + 5
