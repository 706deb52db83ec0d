"""Where to put the numbers on an axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
ROUNDINGS = (10.0, 5.0, 2.0, 1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01)
MIN_GAP = 0.09
"""Least distance of two numbers on the resolution axis, as a part of its length."""


@dataclass(frozen=True, slots=True)
class Ticks:
    """Positions on an axis, ascending, and what is written there."""

    values: tuple[float, ...]
    labels: tuple[str, ...]


def linear_ticks(low: float, high: float, most: int) -> Ticks:
    """At most about `most` round numbers from low to high (low < high)."""
    rough = (high - low) / most
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(s * power for s in STEPS if s * power >= rough * (1 - 1e-9))
    first, last = np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9)
    values = step * np.arange(first, last + 1)
    decimals = max(0, -int(np.floor(np.log10(step) + 1e-9)))
    decimals += int(decimals < 12 and abs(round(step, decimals) - step) > 1e-9 * step)
    return Ticks(tuple(map(float, values)), tuple(_written(v, decimals) for v in values))


def _written(value: float, decimals: int) -> str:
    if abs(value) >= 1e6:
        return f"{value:.3g}"
    if decimals > 5:
        return f"{value:.2g}"
    return f"{value + 0.0:.{decimals}f}" if round(value, decimals) else "0"


def resolution_ticks(low: float, high: float, most: int = 8) -> Ticks:
    """Round resolutions, Angstrom, at their places on an axis that is linear in 1/d^2 from low to high."""
    positions = np.linspace(max(low, 1e-6 * high, 0.02 * (high - low)), high, most)
    values: list[float] = []
    labels: list[str] = []
    for position in positions[1:] if low < 0.05 * high else positions:
        d = float(position**-0.5)
        gap = 0.5 * (high - low) / most
        near = float((position + gap) ** -0.5), float(max(position - gap, 1e-9) ** -0.5)
        rounding = next((r for r in ROUNDINGS if near[0] <= round(d / r) * r <= near[1]), 0.01)
        rounded = round(d / rounding) * rounding
        at = rounded**-2.0 if rounded > 0 else high
        if low <= at <= high and (not values or at - values[-1] > MIN_GAP * (high - low)):
            values.append(at)
            labels.append(f"{rounded:.{max(0, -int(np.floor(np.log10(rounding) + 1e-9)))}f}")
    return Ticks(tuple(values), tuple(labels))
