"""Simulated sweeps for tests: made once a process, or written once a run of the suite, whoever asks for them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from once import made_once

from autoproc.simulation import SimulatedSweep, WrittenSweep, simulate, small_params, write_sweep


def simulated_sweep(
    tmp_path_factory: pytest.TempPathFactory, file_format: str = "minicbf", gzip: bool = False, **overrides: Any
) -> WrittenSweep:
    """A small sweep (60 images of 250 x 300 pixels, P 21 21 21) on disk, written once; do not change it.

    overrides : parameters of SimulateParams.
    """

    def write(directory: Path) -> WrittenSweep:
        sweep = simulate(small_params(**overrides))
        return write_sweep(sweep, directory, "small", file_format=file_format, gzip=gzip)  # type: ignore[arg-type]

    what = f"simulated sweep {file_format} gzip={gzip} {sorted(overrides.items())!r}"
    return made_once(tmp_path_factory, what, write)


@cache
def simulated_frames(**overrides: Any) -> SimulatedSweep:
    """The same sweep in memory: an ImageReader with its truth (overrides must be hashable)."""
    return simulate(small_params(**overrides))
