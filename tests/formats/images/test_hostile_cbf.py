"""CBF files made to hold the reader up, or to have it believe a size that they do not have."""

from __future__ import annotations

import bz2
import gzip
import os
import resource
import time
from pathlib import Path

import numpy as np
import pytest
from cbf_files import cbf_bytes, header

from autoproc.errors import CorruptFile, UnreadableFile
from autoproc.formats.compressed import expanded, read_start, read_whole
from autoproc.formats.header_values import quoted
from autoproc.formats.images.cbf import read_cbf, read_cbf_header
from autoproc.formats.registry import kind_of, read_image_models


def saved(path, content):
    path.write_bytes(content)
    return path


IMAGE = np.arange(600, dtype=np.int32).reshape(20, 30)


def limited(megabytes: int) -> tuple[int, int]:
    """Bound the address space to so much more than now."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    old = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + (megabytes << 20), old[1]))
    return old


@pytest.mark.parametrize(
    "line", ["# Wavelength" + " " * 8000 + "x", "# Count_cutoff " + "1" * 2000, "# " + "a " * 25000]
)
def test_long_lines_of_a_header(tmp_path, line):
    text = header().replace("# Wavelength", f"{line}\r\n# Wavelength", 1)
    path = saved(tmp_path / "x_0001.cbf", cbf_bytes(IMAGE, text))
    began = time.process_time()
    assert read_image_models(path).beam.wavelength > 0
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress])
def test_no_more_is_expanded_than_the_image_takes(tmp_path, compress):
    whole = cbf_bytes(IMAGE, header())
    path = saved(tmp_path / "x_0001.cbf.gz", compress(whole + bytes(1 << 27)))
    old = limited(96)
    try:
        np.testing.assert_array_equal(read_cbf(path)[1], IMAGE)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, old)


def test_bytes_asked_for_are_those_that_come():
    packed = gzip.compress(b"one") + gzip.compress(b"two")
    assert expanded("x", packed, 100) == b"onetwo"
    assert expanded("x", packed, 4) == b"onet"


@pytest.mark.parametrize(
    "mime",
    [
        {"X-Binary-Size-Fastest-Dimension": "1000000", "X-Binary-Size-Second-Dimension": "1000000",
         "X-Binary-Number-of-Elements": "1000000000000"},
        {"X-Binary-Size-Fastest-Dimension": "10000", "X-Binary-Size-Second-Dimension": "10000",
         "X-Binary-Number-of-Elements": "100000000"},
        {"X-Binary-Size": "9" * 30},
    ],
)  # fmt: skip
def test_sizes_that_cannot_be_are_refused_with_the_header(tmp_path, mime):
    path = saved(tmp_path / "x_0001.cbf", cbf_bytes(IMAGE, header(), mime=mime))
    with pytest.raises(CorruptFile, match="pixels"):
        read_cbf_header(path)


def test_a_pipe_is_no_image(tmp_path):
    path = tmp_path / "x_0001.cbf"
    os.mkfifo(path)
    for read in (read_whole, kind_of, read_cbf_header, lambda p: read_start(p, 10)):
        with pytest.raises(UnreadableFile, match="is a named pipe, not a file"):
            read(path)


def test_a_file_far_too_large_is_not_read(tmp_path):
    path = tmp_path / "x_0001.cbf"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(CorruptFile, match="more than an image can take"):
        read_whole(path)


@pytest.mark.parametrize("text", ["x" * 41, "a\nb", "a\x1b[31m", "pässword"])
def test_messages_quote_only_what_is_short_and_printable(text):
    assert text not in quoted(text)
    assert quoted("0.9 nm") == "'0.9 nm'"
