"""Checks of detector and beam, as the data show them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoproc.reports.checks.check import Check, Verdict, printed
from autoproc.scaling.detector_response import DetectorResponse
from autoproc.scaling.polarisation import PolarisationSeen

UNEVEN, VERY_UNEVEN = 0.06, 0.5
"""By how much a part of the detector may count more or less than the rest. Of simulated sweeps of five crystals without
such a part none is beyond 0.021; half a detector that counts 1.3 times as much is found as 1.24 to 1.27."""
SIGNIFICANT = 8.0
"""Standard uncertainties: the best of a thousand rectangles is at 4 by chance, and what the scales cannot follow (sharp
edges of absorption, tails of shadows) comes on top of that."""
OTHER_POLARISATION = 0.15
"""From the fraction that was used: less makes intensities wrong by 5% at most at 30 degrees of scattering angle."""
CLEARLY_OTHER = 4.0
"""Standard uncertainties of the fraction: of 22 simulated sweeps with a true header none is beyond 2.2, of five with
0.5 taken for 0.99 all are beyond 5.9; of four measured ones, of a synchrotron, none is beyond 2.1."""
UNTOLD = 0.12
"""Standard uncertainty from which on a beam that is not polarised at all cannot be told from a synchrotron's."""
LITTLE_SCATTER, MUCH_SCATTER = 0.7, 1.8
"""Simulated sweeps without an error have 0.90 to 1.24, those of two lattices that overlap up to 1.7, four measured ones
0.96 to 1.13; counts taken times a quarter have 0.52, times four 1.98, a shadow for a third of the sweep 2.4."""
LEAST_OF_FAINT = 0.7
"""Of the scatter of all, that of the faintest reflections where a wrong gain is its cause: it is the same for both,
but for chance. Chosen."""
MANY_SHADOWED = 0.05
"""Simulated and measured sweeps without a passing shadow leave out 0.003 at most, one with a shadow on a third of the
images 0.13."""


def detector_response(parts: Sequence[DetectorResponse]) -> Check | None:
    """Whether a part of the detector counts more or less than the rest; parts : the worst of each sweep and panel."""
    if not parts:
        return None
    worst = max(parts, key=lambda one: (_is_uneven(one), abs(one.factor - 1)))
    where = f"fast {worst.fast[0]} to {worst.fast[1] - 1}, slow {worst.slow[0]} to {worst.slow[1] - 1} px"
    panel = f" of panel {worst.panel}" if worst.panel else ""
    value = f"{where}{panel} counts {worst.factor:.2f} times what the rest does"
    verdict: Verdict = "good"
    if _is_uneven(worst):
        verdict = "bad" if abs(worst.factor - 1) > VERY_UNEVEN else "look"
    return Check(
        "detector response", value if verdict != "good" else "even", f"within {UNEVEN:.0%}", verdict,
        "the same reflections come out stronger or weaker there: look at the flat field and threshold of its modules, "
        "and whether something stands before it; the merged intensities are a mixture of both",
    )  # fmt: skip


def _is_uneven(part: DetectorResponse) -> bool:
    away = abs(part.factor - 1)
    return away > UNEVEN and away > SIGNIFICANT * part.sigma


def polarisation(seen: PolarisationSeen | None) -> Check | None:
    """Whether equivalents have the polarisation that intensities were corrected with; None where they are too few."""
    if seen is None:
        return None
    away = abs(seen.found - seen.stated)
    is_other = away > max(OTHER_POLARISATION, CLEARLY_OTHER * seen.sigma)
    found = float(np.clip(seen.found, 0.0, 1.0))
    value = f"{seen.stated:.2f} was used, equivalents have {found:.2f} +- {seen.sigma:.2f}"
    if not is_other and seen.sigma > UNTOLD:
        value = f"cannot be told beside absorption (+- {seen.sigma:.2f}); {seen.stated:.2f} was used"
    return Check(
        "polarisation", value, f"within {OTHER_POLARISATION:g}",
        "look" if is_other else "good",
        "the header's polarisation, or what was given or assumed in its place, is wrong, or its plane is: compare with "
        f"import_sweep.polarization_fraction={found:.2f}; background that seems to be missing follows from it",
    )  # fmt: skip


def counting_errors(
    a: float | None, gain: float = 1.0, disturbed_by: Sequence[str] = (), faintest: float | None = None
) -> Check | None:
    """Whether weak reflections scatter as photons do; None where that was not estimated.

    a : what scaling multiplies standard uncertainties by; gain : counts a photon, that these were computed with
    disturbed_by : what else makes equivalents differ in this sweep. Of more scatter than counting gives, the gain is
        then not to be told; less scatter nothing but counts can make
    faintest : times what counting gives that the faintest reflections scatter, which a gain makes as large as any
    """
    if a is None:
        return None
    explained = f"import_sweep.gain={gain * a**2:.2g} would explain it"
    advice = f"counts may not be photons ({explained}), shadows may come and go, images flicker, reflections overlap"
    if disturbed_by:
        advice = f"that may be all for {' and '.join(disturbed_by)}; it tells nothing of the detector's gain"
    elif faintest is not None and faintest < LEAST_OF_FAINT * a:
        advice = (
            f"the faintest reflections scatter {faintest:.2f} times what counting gives, so that it is not the gain of "
            "the detector: shadows may come and go, images flicker, reflections overlap"
        )
    if a < LITTLE_SCATTER:
        advice = (
            "no photons scatter so little: counts were divided or averaged before they were written, or the gain is "
            f"wrong ({explained}); intensities are right but for their scale if they were divided"
        )
    nearest = min(LITTLE_SCATTER, MUCH_SCATTER, key=lambda limit: abs(a - limit))
    return Check(
        "scatter of weak reflections", f"{printed(a, 2, nearest)} of what counting gives",
        f"{LITTLE_SCATTER:g} to {MUCH_SCATTER:g}",
        "good" if LITTLE_SCATTER <= a <= MUCH_SCATTER else "look", advice,
    )  # fmt: skip


def shadowed(n_shadowed: int, n_observations: int) -> Check:
    """Observations that scaling left out because all in their place on the detector are too weak."""
    share = n_shadowed / max(1, n_observations)
    return Check(
        "left out as in shadow", f"{printed(share, 1, MANY_SHADOWED, percent=True)} of the observations",
        f"below {MANY_SHADOWED:.0%}",
        "look" if share > MANY_SHADOWED else "good",
        "their places on the detector give far less than equivalents elsewhere, for a part of the sweep at least: is "
        "something in the way of the diffracted rays?",
    )  # fmt: skip
