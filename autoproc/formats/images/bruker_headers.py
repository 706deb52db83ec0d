"""What the headers of Bruker's frames (format 86, .sfrm) say.

The diffractometer known is the three-circle one whose chi is fixed, with the conventions of dxtbx's
FormatBrukerFixedChi: ANGLES are 2theta, omega, phi and chi, of which AXIS counts the scanned one from 1.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from autoproc.formats.header_values import overload_assumed
from autoproc.formats.images.frame_facts import FrameFacts, X, Y, Z, number, number_list, pair
from autoproc.formats.images.frame_headers import FrameHeader
from autoproc.geometry.rotation import rotation_matrix
from autoproc.models.experiment import Goniometer

OVERLOAD = 60000.0
"""Counts where its CCD detectors are full, as dxtbx has it."""
OMEGA, PHI = 2, 3
ASSUMED = (
    "no polarisation, gain or sensor is in Bruker's headers; its CENTER is taken as where the beam is at 2theta 0; "
    "gain= and beam_centre= override them"
)


def bruker_facts(header: FrameHeader) -> FrameFacts:
    """What the header says of the experiment. Raises ValueError or LookupError where it cannot be understood."""
    fields = header.fields
    two_theta, omega, phi, chi = number_list(fields, "ANGLES")[:4]
    start, width = number(fields, "START"), number(fields, "INCREME")
    distances = number_list(fields, "DISTANC")
    down, along = number_list(fields, "CENTER")[:2]
    size = _pixel_size(fields)
    turn = rotation_matrix(-X, np.radians(two_theta))
    return FrameFacts(
        number(fields, "WAVELEN"),
        10 * distances[min(1, len(distances) - 1)],
        (size, size),
        (along, down),
        pair(start, width),
        number(fields, "ELAPSDR") or 0.0,
        fast=X,
        slow=turn @ Y,
        goniometer=_goniometer(int(number(fields, "AXIS") or OMEGA), omega, phi, chi),
        trusted_range=(0.0, OVERLOAD),
        serial=f"Bruker {fields.get('DETTYPE', '').partition(' ')[0]}",
        remarks=(ASSUMED, overload_assumed(OVERLOAD)),
    )


def _pixel_size(fields: Mapping[str, str]) -> float:
    """mm; the second word of DETTYPE is pixels a cm if the detector had 512 a side, and it has SIDE."""
    return 5.0 / float(fields["DETTYPE"].split()[1])


def _goniometer(axis: int, omega: float, phi: float, chi: float) -> Goniometer:
    phi_axis = rotation_matrix(-Z, np.radians(chi)) @ X
    if axis == OMEGA:
        return Goniometer(-X, fixed=rotation_matrix(phi_axis, np.radians(phi)))
    if axis == PHI:
        return Goniometer(rotation_matrix(X, np.radians(omega)) @ phi_axis)
    raise ValueError("neither omega nor phi is scanned")
