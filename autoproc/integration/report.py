"""What integration found, as a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoproc.geometry.shells import shells_of_equal_number
from autoproc.integration.shapes import SpotShape
from autoproc.models.reflections import Flag, Reflections

HEADER = (
    f"{'d_max':>7} {'d_min':>7} {'n sum':>7} {'n prf':>7} {'overl.':>7} {'bad px':>7} "
    f"{'bkgd/px':>8} {'I/sig sum':>9} {'I/sig prf':>9} {'CC prf':>7}"
)


def resolution_rows(reflections: Reflections, n_shells: int = 10) -> list[str]:
    """One line for each of n_shells with equal numbers of reflections, and one for all of them."""
    if not len(reflections):
        return []
    shells = shells_of_equal_number(reflections["d"] ** -2.0, 1, most=n_shells)
    return [_row(reflections[shell]) for shell in shells] + ["-" * len(HEADER), _row(reflections)]


def shape_lines(shapes: Sequence[SpotShape]) -> list[str]:
    """The spot widths of each lattice, and what is wrong with them."""
    lines = []
    for n, shape in enumerate(shapes, start=1):
        lines.append(
            f"lattice {n}: sigma_b {np.degrees(shape.sigma_b):.4f}, sigma_m {np.degrees(shape.sigma_m):.4f} degrees"
            f" from {shape.n_spots} spots; mosaic spread along e1 {np.degrees(shape.spread):.4f} degrees"
        )
        lines += [f"  WARNING: {text}" for text in (shape.warning, shape.borrowed) if text]
    return lines


def _row(rows: Reflections) -> str:
    d = rows["d"]
    fitted = rows.has_flag(Flag.INTEGRATED_PRF)
    correlation = rows["profile_correlation"][fitted].mean() if fitted.any() else 0.0
    return (
        f"{d.max():7.2f} {d.min():7.2f} {rows.has_flag(Flag.INTEGRATED_SUM).sum():7d} {fitted.sum():7d} "
        f"{rows.has_flag(Flag.OVERLAPPED_FG).sum():7d} {rows.has_flag(Flag.FOREGROUND_INCLUDES_BAD_PIXELS).sum():7d} "
        f"{rows['background_mean'].mean():8.3f} {_i_over_sigma(rows, 'sum'):9.2f} {_i_over_sigma(rows, 'prf'):9.2f} "
        f"{correlation:7.2f}"
    )


def _i_over_sigma(rows: Reflections, kind: str) -> float:
    variance = rows[f"variance_{kind}"]
    good = variance > 0
    return float(np.mean(rows[f"intensity_{kind}"][good] / np.sqrt(variance[good]))) if good.any() else 0.0
