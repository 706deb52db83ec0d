"""Simulated sweeps for tests: made or written once a session, whoever asks for them."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from autoproc.simulation import SimulatedSweep, WrittenSweep, simulate, small_params, write_sweep

_written: dict[tuple[object, ...], WrittenSweep] = {}


def simulated_sweep(
    tmp_path_factory: pytest.TempPathFactory, file_format: str = "minicbf", gzip: bool = False, **overrides: Any
) -> WrittenSweep:
    """A small sweep (60 images of 250 x 300 pixels, P 21 21 21) on disk, written once a session; do not change it.

    overrides : parameters of SimulateParams.
    """
    key = (str(tmp_path_factory.getbasetemp()), file_format, gzip, repr(sorted(overrides.items())))
    if key not in _written:
        directory = tmp_path_factory.mktemp("simulated")
        sweep = simulate(small_params(**overrides))
        _written[key] = write_sweep(sweep, directory, "small", file_format=file_format, gzip=gzip)  # type: ignore[arg-type]
    return _written[key]


@cache
def simulated_frames(**overrides: Any) -> SimulatedSweep:
    """The same sweep in memory: an ImageReader with its truth (overrides must be hashable)."""
    return simulate(small_params(**overrides))
