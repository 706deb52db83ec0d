"""What may pass is told from what will not, however deep it lies, and whoever said it."""

from __future__ import annotations

import errno

import pytest

from autoproc.errors import CorruptFile, UnreadableFile
from autoproc.passing import AWAY, PASSING, is_away, may_pass


def caused_by(error: BaseException, depth: int) -> BaseException:
    for n in range(depth):
        above = UnreadableFile(path=f"/x_{n}.cbf", reason="it is so")
        above.__cause__ = error
        error = above
    return error


@pytest.mark.parametrize("depth", range(4))
@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO, errno.ENOTCONN, errno.EHOSTDOWN, errno.ETIMEDOUT])
def test_a_file_server_that_is_away(number, depth):
    assert may_pass(caused_by(OSError(number, "so it is"), depth))


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EISDIR, errno.ENAMETOOLONG, errno.EINVAL])
def test_what_does_not_pass(number):
    assert not may_pass(caused_by(OSError(number, "so it is"), 2))


def test_what_says_nothing():
    assert not may_pass(None)
    assert not may_pass(CorruptFile(path="/x", reason="errno = 5"))  # no system has said so
    assert not may_pass(OSError("file signature not found"))


def test_what_the_hdf5_library_says():
    words = "Can't read data (file read failed: time = now, filename = 'x', errno = {}, error message = 'so it is')"
    assert may_pass(caused_by(OSError(words.format(errno.EIO)), 1))
    assert not may_pass(OSError(words.format(errno.ENOENT)))


def test_a_disk_that_gives_an_error_may_be_damaged():
    assert not is_away(OSError(errno.EIO, "so it is"))
    assert is_away(caused_by(OSError(errno.ESTALE, "so it is"), 2))
    assert AWAY < PASSING


def test_errors_in_a_circle():
    error = UnreadableFile(path="/x", reason="it is so")
    error.__cause__ = error
    assert not may_pass(error)
