"""What EDF headers say: there is no standard of it, but several programs of the ESRF agree on these keywords."""

from __future__ import annotations

from autoproc.formats.images.frame_facts import LARGEST_16_BIT, FrameFacts, number, overload, pair
from autoproc.formats.images.frame_headers import FrameHeader
from autoproc.formats.images.minicbf import NO_CUTOFF

LARGEST = {"unsignedshort": LARGEST_16_BIT, "signedshort": 32767.0, "unsignedbyte": 255.0, "signedbyte": 127.0}
CONVENTION = (
    "the header's Center_1 and Center_2 are taken in pixels along the rows and down them; beam_centre= overrides them"
)


def edf_facts(header: FrameHeader) -> FrameFacts:
    """What the header says of the experiment; lengths in it are in m."""
    fields = header.fields
    wavelength, distance = number(fields, "wavelength"), number(fields, "sampledistance")
    sizes = pair(number(fields, "psize_1"), number(fields, "psize_2"))
    centre = pair(number(fields, "center_1"), number(fields, "center_2"))
    stored = LARGEST.get(fields.get("datatype", "").lower(), NO_CUTOFF)
    full, told_of_full = overload(fields, "saturationlevel", "saturation_level", otherwise=stored)
    return FrameFacts(
        None if wavelength is None else wavelength * 1e10,
        None if distance is None else distance * 1e3,
        None if sizes is None else (sizes[0] * 1e3, sizes[1] * 1e3),
        centre,
        pair(number(fields, "oscillationstart", "osc_start"), number(fields, "oscillationrange", "osc_range")),
        number(fields, "exposuretime", "count_time") or 0.0,
        trusted_range=(-1.0, full),
        serial=fields.get("detector", ""),
        remarks=(*((CONVENTION,) if centre else ()), *told_of_full),
    )
