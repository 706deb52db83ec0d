"""What of an error is for the log alone."""

from __future__ import annotations

import numpy as np
import pytest

from autoproc.errors import CorruptFile, NoSpots, UnreadableFile, details_of


def raised(error, cause=None):
    try:
        raise error from cause
    except Exception as caught:
        return caught


@pytest.mark.parametrize("cause", [KeyError("x"), RecursionError("deep"), OSError("no errno: a library's own")])
def test_what_a_reader_trips_over_has_details(cause):
    assert repr(cause).split("(")[0] in details_of(raised(CorruptFile(path="x", reason="y"), cause))


def test_details_lie_below_errors_of_our_own():
    inner = raised(CorruptFile(path="x", reason="y"), KeyError("x"))
    assert "KeyError" in details_of(raised(UnreadableFile(path="x", reason="y"), inner))


def test_what_the_system_says_has_none():
    assert details_of(raised(UnreadableFile(path="x", reason="y"), OSError(2, "No such file or directory"))) == ""
    assert details_of(raised(CorruptFile(path="x", reason="y"))) == ""


def test_what_is_no_error_of_ours_has_details_whatever_it_is():
    assert "OSError" in details_of(raised(OSError(28, "No space left on device")))


@pytest.mark.parametrize(("n", "said"), [(1, "on 1 image"), (2, "on 2 images"), (np.int64(1), "on 1 image")])
def test_a_number_in_a_message_has_its_noun(n, said):
    assert NoSpots(n_images=n).message.endswith(said)
