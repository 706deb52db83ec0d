"""Units in every spelling that NeXus writers use; what is none is said, never taken for another."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.formats.hdf5.units import unit_factor


@pytest.mark.parametrize(
    ("spelling", "wanted", "factor"),
    [
        ("m", "mm", 1e3), ("meter", "mm", 1e3), ("metres", "mm", 1e3), ("Meters", "mm", 1e3), ("cm", "mm", 10.0),
        ("millimeters", "mm", 1.0), ("micrometers", "mm", 1e-3), ("um", "mm", 1e-3), ("µm", "mm", 1e-3),
        ("microns", "mm", 1e-3), ("nm", "mm", 1e-6),
        ("nanometer", "angstrom", 10.0), ("pm", "angstrom", 0.01), ("Angstrom", "angstrom", 1.0),
        ("ANGSTROMS", "angstrom", 1.0), ("A", "angstrom", 1.0), ("Å", "angstrom", 1.0), ("m", "angstrom", 1e10),
        ("radians", "deg", 57.29577951308232), ("rad", "deg", 57.29577951308232), ("Degrees", "deg", 1.0),
        ("mrad", "deg", 0.05729577951308232), ("°", "deg", 1.0),
        ("milliseconds", "s", 1e-3), ("ms", "s", 1e-3), ("us", "s", 1e-6), ("sec", "s", 1.0), ("ns", "s", 1e-9),
        ("keV", "eV", 1e3), ("KeV", "eV", 1e3), ("kev", "eV", 1e3), ("ev", "eV", 1.0), ("J", "eV", 6.241509074e18),
        (" mm ", "mm", 1.0),
    ],
)  # fmt: skip
def test_spellings(spelling, wanted, factor):
    assert unit_factor(spelling, wanted) == pytest.approx(factor, rel=1e-9)


@pytest.mark.parametrize(
    ("spelling", "wanted"),
    [
        ("furlongish", "mm"), ("deg", "mm"), ("mm", "deg"), ("pixel", "mm"), ("", "mm"), ("eV", "angstrom"),
        ("m*1e3", "mm"), ("10**10**10", "mm"), ("__import__", "s"), ("m" * 4000, "mm"),
    ],
)  # fmt: skip
def test_what_is_no_unit_of_the_kind(spelling, wanted):
    assert unit_factor(spelling, wanted) is None


@given(st.text(max_size=40), st.sampled_from(["mm", "angstrom", "deg", "s", "eV"]))
def test_whatever_a_file_says_is_a_factor_or_none(spelling, wanted):
    factor = unit_factor(spelling, wanted)
    assert factor is None or factor > 0


def test_usual_spellings_do_not_wait_for_the_library():
    code = (
        "import sys; from autoproc.formats.hdf5.units import unit_factor; "
        "assert unit_factor('m', 'mm') == 1e3 and unit_factor('angstrom', 'angstrom') == 1; "
        "assert unit_factor('pixel', 'mm') is None and unit_factor('Pixels', 'mm') is None; "
        "assert 'pint' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
