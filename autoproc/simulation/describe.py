"""What a simulated sweep holds, in words."""

from __future__ import annotations

import numpy as np

from autoproc.simulation.detectors import detector_kind
from autoproc.simulation.sweep import SimulatedSweep, TruePassages

WORTH_SEEING = 0.99


def format_simulate(sweep: SimulatedSweep, seen: TruePassages) -> str:
    """The crystal, the sweep and what it records, for a person; `seen` is sweep.observations()."""
    params, truth = sweep.params, sweep.truth
    fast, slow = detector_kind(params).size
    whole = seen.partiality > WORTH_SEEING
    counts = seen.counts[whole]
    lines = [
        f"Crystal          {sweep.space_group.hm}, cell {' '.join(f'{x:g}' for x in params.cell)}",
        f"True intensities {len(truth.hkl)} unique reflections to {params.d_min:g} A, Wilson B {params.wilson_b:g} A^2",
        f"Detector         {detector_kind(params).name}, {fast} x {slow} pixels, {params.distance:g} mm, "
        f"wavelength {params.wavelength:g} A",
        f"Sweep            {params.n_images} images of {params.width:g} degrees from {params.start:g}",
        f"Observations     {len(seen.counts)}, of which {whole.sum()} complete",
    ]
    if len(counts):
        low, median, high = np.percentile(counts, [10, 50, 90])
        lines.append(f"Photons a spot   median {median:.0f}, from {low:.0f} (10%) to {high:.0f} (90%)")
    for number, matrix in enumerate(sweep.motion.U, 1):
        rows = "; ".join(" ".join(f"{x:8.5f}" for x in row) for row in matrix)
        lines.append(f"U of lattice {number}   {rows}")
    return "\n".join(lines)
