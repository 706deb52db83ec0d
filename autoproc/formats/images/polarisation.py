"""How the beam is polarised: what headers of all formats say, put into a Beam.

fraction and normal are those of XDS and DIALS (Kahn et al. 1982): the part of the intensity whose electric field
lies in the plane of polarisation, 0.5 for an unpolarised beam, and the normal of that plane.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from autoproc.models.experiment import Beam

POLARISATION_ASSUMED = (
    "the header does not say how the beam is polarised: 0.999 in the horizontal plane is assumed, as synchrotrons have"
)
MIN_FRACTION = 0.5
"""Below it the field would lie mostly along the normal of the plane, which nobody writes on purpose."""
OVER_ONE = 1e-3
"""By which a degree of polarisation may exceed 1 for rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Polarisation:
    """What a header says: fraction, None where it does not say; normal (3,), imgCIF frame; a warning, or ""."""

    fraction: float | None = None
    normal: tuple[float, float, float] = (0.0, 1.0, 0.0)
    warning: str = ""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is assumed, in a sentence."""
        return (POLARISATION_ASSUMED,) if self.fraction is None else ()

    def of(self, beam: Beam) -> Beam:
        """The beam with this polarisation; as it is where the header does not say."""
        if self.fraction is None:
            return replace(beam, polarization_normal=np.array(self.normal))
        return replace(beam, polarization_fraction=self.fraction, polarization_normal=np.array(self.normal))


def from_fraction(value: float | None) -> Polarisation:
    """Of a header's FRACTION_OF_POLARIZATION in the horizontal plane; 0 is what headers write for unknown."""
    if value is None or value == 0:
        return Polarisation()
    if not MIN_FRACTION <= value <= 1:
        return Polarisation(warning=_implausible(f"{value:g}", "0.5 to 1"))
    return Polarisation(value)


def from_ratio(ratio: float | None, angle: float) -> Polarisation:
    """Of imgCIF's polarizn_source_ratio (Ip - In)/(Ip + In), and its angle from Y to the normal, degrees."""
    radians = math.radians(angle) if math.isfinite(angle) else 0.0
    normal = (math.sin(radians), math.cos(radians), 0.0)
    if ratio is None:
        return Polarisation(normal=normal)
    if not -1 <= ratio <= 1:
        return Polarisation(normal=normal, warning=_implausible(f"ratio {ratio:g}", "-1 to 1"))
    return Polarisation((1 + ratio) / 2, normal)


def from_stokes(stokes: tuple[float, ...]) -> Polarisation:
    """Of NeXus's Stokes vector (I, Q, U, V): Q is positive for a field along X, U for one between X and Y.

    X of NeXus is -X of imgCIF, Y is Y; circular polarisation counts as none.
    """
    said = " ".join(f"{value:g}" for value in stokes)
    if len(stokes) != 4 or not all(map(math.isfinite, stokes)) or stokes[0] <= 0:
        return Polarisation(warning=_implausible(f"({said})", "a Stokes vector I, Q, U, V with I above 0"))
    degree = math.hypot(stokes[1], stokes[2]) / stokes[0]
    if degree > 1 + OVER_ONE:
        return Polarisation(warning=_implausible(f"({said})", "a degree of polarisation of at most 1"))
    angle = math.atan2(stokes[2], stokes[1]) / 2
    return Polarisation((1 + min(degree, 1.0)) / 2, (math.sin(angle), math.cos(angle), 0.0))


def stokes_of(beam: Beam) -> tuple[float, float, float, float]:
    """The Stokes vector of a beam, for NeXus."""
    degree = 2 * beam.polarization_fraction - 1
    angle = 2 * math.atan2(beam.polarization_normal[0], beam.polarization_normal[1])
    return 1.0, degree * math.cos(angle), degree * math.sin(angle), 0.0


def _implausible(said: str, expected: str) -> str:
    return (
        f"the header gives a polarisation of {said}, which is impossible ({expected} is expected): 0.999 in the "
        "horizontal plane is assumed; give polarization_fraction= if that is wrong"
    )
