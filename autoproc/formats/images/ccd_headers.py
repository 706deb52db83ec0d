"""What the headers of CCD detectors say: ADSC's SMV, and MarCCD / Rayonix.

Conventions, serial numbers and gains are those of dxtbx's classes FormatSMVADSC... and FormatTIFFRayonix..., to which
beamlines contributed; the gains, after makers' data sheets, are right within some 20 %.
"""

from __future__ import annotations

import re
import struct
from datetime import datetime

import numpy as np

from autoproc.formats.header_values import overload_assumed
from autoproc.formats.images.frame_facts import LARGEST_16_BIT, FrameFacts, X, Y, number, number_list, overload, pair
from autoproc.formats.images.frame_headers import FrameHeader
from autoproc.formats.images.tiff_tags import byte_order
from autoproc.geometry.rotation import rotation_matrix

ADSC_CONVENTION = (
    "the header's BEAM_CENTER_X and _Y are taken in mm as ADSC detectors have them, X down the columns and Y along the "
    "rows from the first pixel; beam_centre= overrides them"
)
ADSC_GAINS = {"Q4": 1.25, "Q270": 2.8, "Q210": 2.4, "Q315": 2.4}
"""Counts a photon, by model."""
ADSC_GAIN_BINNED_R = 1.8
"""Of Q210r and Q315r that are binned in hardware."""
ADSC_MODELS = {
    401: "Q4", 402: "Q4", 414: "Q4", 423: "Q4", 428: "Q4", 429: "Q4", 441: "Q210", 442: "Q210", 443: "Q210",
    444: "Q210", 445: "Q210", 446: "Q210", 447: "Q210", 448: "Q210", 457: "Q210r", 471: "Q270", 472: "Q270",
    474: "Q270", 901: "Q210", 905: "Q315", 907: "Q315r", 913: "Q315", 917: "Q315r", 923: "Q315r", 925: "Q315",
    926: "Q315r", 928: "Q315r", 931: "Q315r", 933: "Q315r",
}  # fmt: skip
ADSC_SIZES = {
    (2304, 0.0816): "Q4", (4096, 0.0512): "Q210", (2048, 0.1024): "Q210", (6144, 0.0512): "Q315",
    (3072, 0.1024): "Q315", (4168, 0.0648): "Q270",
}  # fmt: skip
"""Model by pixels of a side and their size, mm, where the serial number is not known."""
ADSC_PEDESTALS = {442: 40.0}
"""Counts, by serial number, that the header does not tell of."""
ADSC_OF_APS_19 = (458, 914)
"""Serial numbers of detectors that give the centre in pixels, and count it from the last row."""
RAYONIX_GAINS = {"165": 1.0, "225": 1.5, "225HE": 2.8, "325": 1.3, "325HE": 2.4, "300": 1.5, "300HE": 2.8}
RAYONIX_MODELS = {24: "225", 31: "225HE", 38: "225HE", 40: "225HE", 42: "300HE"}
RAYONIX_SIZES = {
    (2048, 0.079348): "165", (3072, 0.0): "225", (4096, 0.079346): "325", (4096, 0.073242): "300",
}  # fmt: skip
"""As ADSC_SIZES; 0 for any size of the pixels."""
MAR_AXES = ("2theta", "omega", "chi", "kappa", "phi", "delta", "gamma")
MAR_COMMENT = slice(2464, 2464 + 512)
SMV_DATES = ("%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S %Z %Y")


def smv_facts(header: FrameHeader) -> FrameFacts:
    """What an SMV header says in the keywords of ADSC."""
    fields = header.fields
    size = number(fields, "PIXEL_SIZE")
    serial = number(fields, "DETECTOR_SN")
    pedestal = number(fields, "IMAGE_PEDESTAL") or ADSC_PEDESTALS.get(int(serial or 0), 0.0)
    if abs(pedestal) > LARGEST_16_BIT:
        raise ValueError("no pedestal is as high as that")
    full, told_of_full = overload(fields, "CCD_IMAGE_SATURATION", "SATURATED_VALUE")
    two_theta = number(fields, "TWOTHETA") or 0.0
    swing = f"the header gives 2theta = {two_theta:g} degrees but no direction of it: it is taken as 0"
    centre = _adsc_centre(header, size or 0.0, int(serial or 0))
    return FrameFacts(
        number(fields, "WAVELENGTH"),
        number(fields, "DISTANCE"),
        None if size is None else (size, size),
        centre,
        pair(number(fields, "OSC_START"), number(fields, "OSC_RANGE")),
        number(fields, "TIME") or 0.0,
        trusted_range=(-1.0 - pedestal, full - pedestal),
        gain=_adsc_gain(header, size or 0.0, serial),
        pedestal=pedestal,
        serial="ADSC" if serial is None else f"ADSC {serial:.0f}",
        date=_day(fields.get("DATE", "").replace("PST", "").replace("PDT", "")),
        warnings=(swing,) if abs(two_theta) > 0.01 else (),
        remarks=(*((ADSC_CONVENTION,) if centre else ()), *told_of_full),
    )


def _adsc_centre(header: FrameHeader, pixel_size: float, serial: int) -> tuple[float, float] | None:
    """(fast, slow) pixels."""
    positions = [name for name in header.fields if name.endswith("_SPATIAL_BEAM_POSITION")]
    if serial in ADSC_OF_APS_19 and positions:
        down, along = number_list(header.fields, positions[0])[:2]
        return along, header.image_size[1] - down
    centre = pair(number(header.fields, "BEAM_CENTER_Y"), number(header.fields, "BEAM_CENTER_X"))
    return None if centre is None or not pixel_size else (centre[0] / pixel_size, centre[1] / pixel_size)


def _adsc_gain(header: FrameHeader, pixel_size: float, serial: float | None) -> float:
    """Counts a photon: the header's, or that of the model."""
    said = number(header.fields, "GAIN")
    if said is not None and said > 0:
        return said
    model = ADSC_MODELS.get(int(serial or 0), ADSC_SIZES.get((header.image_size[0], pixel_size), ""))
    is_binned = header.fields.get("BIN", "none").lower() != "none" and header.fields.get("BIN_TYPE") == "HW"
    return ADSC_GAIN_BINNED_R if model.endswith("r") and is_binned else ADSC_GAINS.get(model.rstrip("r"), 1.0)


def _day(text: str) -> str:
    """The day of "Fri Oct 19 10:00:00 2012" as "2012-10-19"; "" where it is none."""
    for form in SMV_DATES:
        try:
            return datetime.strptime(" ".join(text.split()), form).strftime("%Y-%m-%d")
        except ValueError:
            continue
    return ""


def marccd_facts(header: FrameHeader) -> FrameFacts:
    """What a MarCCD / Rayonix header says: integers, in thousandths of mm, degrees, pixels and seconds."""
    order = byte_order(header.raw)

    def integers(offset: int, count: int) -> tuple[int, ...]:
        values: tuple[int, ...] = struct.unpack_from(f"{order}{count}i", header.raw, offset)
        return values

    starts, ends = integers(1692, 7), integers(1724, 7)
    oscillation, warnings = _mar_scan(starts, ends, *integers(1756, 2))
    distance = integers(1664, 1)[0] or integers(1720, 1)[0]
    x, y = integers(1668, 2)
    px, py = integers(1796, 2)
    saturated = integers(1128, 1)[0]
    full = float(saturated) if saturated > 0 else LARGEST_16_BIT
    turn = rotation_matrix(X, np.radians(starts[0] * 1e-3))
    serial = _mar_serial(header.raw)
    return FrameFacts(
        integers(1932, 1)[0] * 1e-5 or None,
        distance * 1e-3 or None,
        (px * 1e-6, py * 1e-6) if px and py else None,
        (x * 1e-3, y * 1e-3) if x or y else None,
        oscillation,
        integers(1680, 1)[0] * 1e-3,
        fast=turn @ X,
        slow=turn @ -Y,
        trusted_range=(-float(header.bias), full - header.bias),
        gain=_mar_gain(header, px * 1e-6, serial),
        serial=f"Rayonix {serial}" if serial else "Rayonix",
        warnings=warnings,
        remarks=() if saturated > 0 else (overload_assumed(LARGEST_16_BIT, str(saturated)),),
    )


def _mar_scan(
    starts: tuple[int, ...], ends: tuple[int, ...], axis: int, width: int
) -> tuple[tuple[float, float], tuple[str, ...]]:
    """The rotation of an image, degrees, of an axis of MAR_AXES, and what is to be warned of."""
    turned = [n for n in range(1, len(MAR_AXES)) if starts[n] != ends[n]]
    if not 0 < axis < len(MAR_AXES) or not width:
        axis = turned[0] if turned else axis if 0 <= axis < len(MAR_AXES) else 1
        width = ends[axis] - starts[axis] if turned else width
    others = [MAR_AXES[n] for n in turned if n != axis]
    told = f"the header says that {', '.join(others)} turned, too: only {MAR_AXES[axis]} is taken as turning"
    return (starts[axis] * 1e-3, width * 1e-3), (told,) if others else ()


def _mar_serial(raw: bytes) -> int:
    """The detector's serial number, which some beamlines write into the comment; 0 where it is not there."""
    match = re.search(
        r"detector serial number[^\n\d]{0,20}(\d{1,6})", raw[MAR_COMMENT].decode("latin-1"), re.IGNORECASE
    )
    return int(match.group(1)) if match else 0


def _mar_gain(header: FrameHeader, pixel_size: float, serial: int) -> float:
    side = header.image_size[0]
    guessed = RAYONIX_SIZES.get((side, round(pixel_size, 6)), RAYONIX_SIZES.get((side, 0.0), ""))
    return RAYONIX_GAINS.get(RAYONIX_MODELS.get(serial, guessed), 1.0)
