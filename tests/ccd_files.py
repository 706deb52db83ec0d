"""Small SMV, MarCCD and EDF images as detectors write them."""

from datetime import datetime

import fabio.edfimage
import numpy as np

from autoproc.formats.images.write_ccd import CcdFacts, marccd_bytes, smv_bytes

SHAPE = (64, 64)


def counts(seed=1, shape=SHAPE):
    return np.random.default_rng(seed).integers(50, 60000, shape).astype("<u2")


def write_smv(path, pixels, start=0.0, width=0.5, **more):
    write_braces(path, pixels, {
        "HEADER_BYTES": "  512", "DIM": 2, "BYTE_ORDER": "little_endian", "TYPE": "unsigned_short",
        "SIZE1": pixels.shape[1], "SIZE2": pixels.shape[0], "PIXEL_SIZE": 0.1, "BIN": "none", "DETECTOR_SN": 999,
        "DATE": "Fri Oct 19 10:00:00 2012", "TIME": 1.0, "DISTANCE": 150.0, "OSC_START": start, "OSC_RANGE": width,
        "PHI": start, "WAVELENGTH": 0.98, "BEAM_CENTER_X": 2.0, "BEAM_CENTER_Y": 3.0,
    } | more)  # fmt: skip


def write_dtrek(path, pixels, start=0.0, width=0.5, two_theta=0.0, **more):
    """As CrystalClear writes images of a Saturn CCD, shortened."""
    n_slow, n_fast = pixels.shape
    write_braces(path, pixels, {
        "HEADER_BYTES": 4096, "DIM": 2, "BYTE_ORDER": "little_endian", "Data_type": "unsigned short int",
        "SIZE1": n_fast, "SIZE2": n_slow, "DTREK_DATE_TIME": "19-Oct-2012 10:00:00", "SATURATED_VALUE": 60000,
        "DETECTOR_NUMBER": 1, "DETECTOR_NAMES": "CCD_", "CCD_DETECTOR_DESCRIPTION": "Saturn 944+",
        "CCD_DETECTOR_DIMENSIONS": f"{n_fast} {n_slow}", "CCD_DETECTOR_SIZE": f"{n_fast / 10} {n_slow / 10}",
        "CCD_DETECTOR_VECTORS": "1 0 0 0 -1 0", "CCD_SPATIAL_BEAM_POSITION": "30 20",
        "CCD_SPATIAL_DISTORTION_INFO": "30 20 0.1 0.1", "CCD_SPATIAL_DISTORTION_VECTORS": "1 0 0 1",
        "CCD_GONIO_NUM_VALUES": 6, "CCD_GONIO_NAMES": "RotZ RotX/Swing RotY TransX TransY TransZ/Dist",
        "CCD_GONIO_UNITS": "deg deg deg mm mm mm", "CCD_GONIO_VALUES": f"0 {two_theta} 0 0 0 -150",
        "CCD_GONIO_VECTORS": "0 0 1 -1 0 0 0 1 0 1 0 0 0 -1 0 0 0 1",
        "CRYSTAL_GONIO_NUM_VALUES": 3, "CRYSTAL_GONIO_NAMES": "Omega Chi Phi", "CRYSTAL_GONIO_UNITS": "deg deg deg",
        "CRYSTAL_GONIO_VALUES": "0 45 0", "ROTATION": f"{start} {start + width} {width} 2.0 0 0 0 0 0 0",
        "ROTATION_AXIS_NAME": "Omega", "ROTATION_VECTOR": "-1 0 0", "SOURCE_VECTORS": "0 0 1 0 1 0",
        "SOURCE_WAVELENGTH": "1 0.98", "SCAN_WAVELENGTH": 0.98, "SOURCE_POLARZ": "0.5 1 0 0",
    } | more)  # fmt: skip


def write_bruker(path, pixels, overflows=(), **more):
    """As SMART and APEX write frames of a CCD detector, shortened; overflows : (value, place)."""
    fields = {
        "FORMAT": "86", "VERSION": "8", "HDRBLKS": "15", "NROWS": pixels.shape[0], "NCOLS": pixels.shape[1],
        "NPIXELB": "2", "NOVERFL": str(len(overflows)), "WAVELEN": "0.98 0.98 0.98", "DISTANC": "15.0 15.0",
        "CENTER": "500.0 530.0 500.0 530.0", "ANGLES": "0.0 20.0 30.0 54.7", "START": "20.0", "INCREME": "0.5",
        "AXIS": "2", "DETTYPE": "CCD-PXL-2K 50.0 5.0", "LINEAR": "1.0 0.0", "ELAPSDR": "1.0",
        "MODEL": "MACH3 [541-26-01] with FixedChiStage",
    } | more  # fmt: skip
    text = "".join(f"{key:<7}:{value!s:<72}" for key, value in fields.items())
    table = b"".join(b"%9d%7d" % overflow for overflow in overflows)
    path.write_bytes(text.encode().ljust(15 * 512, b".") + pixels.astype("<u2").tobytes() + table)


def write_braces(path, pixels, fields):
    path.write_bytes(smv_bytes(pixels, fields))


def write_marccd(path, pixels, start=0.0, width=0.5, bias=0):
    facts = CcdFacts(0.98, 150.0, (0.1, 0.1), (30.0, 20.0), start, width, 1.0, datetime(2012, 10, 19, 10), bias=bias)
    path.write_bytes(marccd_bytes(pixels, facts))


def write_edf(path, pixels, start=0.0, width=0.5):
    header = {
        "PSize_1": "1e-4", "PSize_2": "1e-4", "Center_1": "30", "Center_2": "20", "SampleDistance": "0.15",
        "WaveLength": "0.98e-10", "OscillationStart": str(start), "OscillationRange": str(width),
    }  # fmt: skip
    fabio.edfimage.EdfImage(data=pixels, header=header).write(str(path))


WRITERS = {
    "x_001.img": write_smv,
    "d_0001.img": write_dtrek,
    "x_001.mccd": write_marccd,
    "x.0001": write_marccd,
    "x_0001.edf": write_edf,
}
