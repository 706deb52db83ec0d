"""Small SMV, MarCCD and EDF images as detectors write them."""

import struct

import fabio.edfimage
import numpy as np

SHAPE = (64, 64)


def counts(seed=1, shape=SHAPE):
    return np.random.default_rng(seed).integers(50, 60000, shape).astype("<u2")


def write_smv(path, pixels, start=0.0, width=0.5, **more):
    fields = {
        "HEADER_BYTES": "  512", "DIM": 2, "BYTE_ORDER": "little_endian", "TYPE": "unsigned_short",
        "SIZE1": pixels.shape[1], "SIZE2": pixels.shape[0], "PIXEL_SIZE": 0.1, "BIN": "none", "DETECTOR_SN": 999,
        "DATE": "Fri Oct 19 10:00:00 2012", "TIME": 1.0, "DISTANCE": 150.0, "OSC_START": start, "OSC_RANGE": width,
        "PHI": start, "WAVELENGTH": 0.98, "BEAM_CENTER_X": 2.0, "BEAM_CENTER_Y": 3.0,
    } | more  # fmt: skip
    text = "{\n" + "".join(f"{key}={value};\n" for key, value in fields.items()) + "}\n\f"
    path.write_bytes(text.encode().ljust(512) + pixels.astype("<u2").tobytes())


def write_marccd(path, pixels, start=0.0, width=0.5, bias=0):
    header = bytearray(4096)
    n_slow, n_fast = pixels.shape
    tags = [(254, 4, 0), (256, 4, n_fast), (257, 4, n_slow), (258, 3, 16), (259, 3, 1), (262, 3, 1), (273, 4, 4096),
            (277, 3, 1), (278, 4, n_slow), (279, 4, 2 * pixels.size), (34710, 4, 1024)]  # fmt: skip
    struct.pack_into("<2sHIH", header, 0, b"II", 42, 8, len(tags))
    for n, (tag, kind, value) in enumerate(tags):
        struct.pack_into("<HHII", header, 10 + 12 * n, tag, kind, 1, value)
    struct.pack_into("<I16s", header, 1024, 2, b"MMX")
    for offset, values in {
        1052: (1234,), 1104: (n_fast, n_slow, 2), 1128: (65535,), 1136: (1, 0, 0, 0),
        1664: (150000,), 1668: (30000, 20000),
        1676: (1000, 1000), 1692: (0, 0, 0, 0, round(1000 * start), 0, 0),
        1724: (0, 0, 0, 0, round(1000 * (start + width)), 0, 0), 1756: (4, round(1000 * width)),
        1796: (100000, 100000), 1804: (bias * 1000,), 1932: (98000,),
    }.items():  # fmt: skip
        struct.pack_into(f"<{len(values)}i", header, offset, *values)
    header[2368:2400] = b"101910002012.00".ljust(32, b"\0")
    path.write_bytes(bytes(header) + pixels.astype("<u2").tobytes())


def write_edf(path, pixels, start=0.0, width=0.5):
    header = {
        "PSize_1": "1e-4", "PSize_2": "1e-4", "Center_1": "30", "Center_2": "20", "SampleDistance": "0.15",
        "WaveLength": "0.98e-10", "OscillationStart": str(start), "OscillationRange": str(width),
    }  # fmt: skip
    fabio.edfimage.EdfImage(data=pixels, header=header).write(str(path))


WRITERS = {"x_001.img": write_smv, "x_001.mccd": write_marccd, "x.0001": write_marccd, "x_0001.edf": write_edf}
