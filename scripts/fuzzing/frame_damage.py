"""Damage to the headers of CCD images that knows their structure: keywords, records, TIFF tags, binary numbers."""

from __future__ import annotations

import random
import struct

from fuzzing.extremes import NUMBERS, TEXTS

WORDS = (
    "little_endian", "big_endian", "unsigned_short", "short int", "long int", "float IEEE", "Compressed", "Other_type",
    "UnsignedByte", "SignedInteger", "FloatValue", "DoubleValue", "Unsigned64", "HighByteFirst", "LowByteFirst",
    "NoCompression", "GzipCompression", "ByteOffset", "mm", "deg mm", "1 0 0 0 1 0", "0 0 0", "1 0", "512", "2 3 4 5 6",
)  # fmt: skip
KEYS = (
    "DIM", "DIM_1", "Dim_2", "Dim_3", "SIZE", "SIZE1", "SIZE2", "SIZE3", "HEADER_BYTES", "BYTE_ORDER", "TYPE",
    "Data_type", "DataType", "ByteOrder", "COMPRESSION", "EDF_BinaryFileName", "EDF_BinarySize", "EDF_DataBlocks",
    "EDF_HeaderSize", "Image", "HeaderID", "RAXIS_COMPRESSION_RATIO", "DETECTOR_NAMES", "DTREK_DATE_TIME",
    "HDRBLKS", "NROWS", "NCOLS", "NPIXELB", "NOVERFL", "LINEAR", "FORMAT", "MODEL", "BIS", "",
)  # fmt: skip
TAGS = (254, 256, 257, 258, 259, 262, 270, 271, 272, 273, 277, 278, 279, 282, 284, 305, 306, 320, 322, 324, 339, 34710)
SMALL = (0, 1, 2, 3, 4, 8, 16, 17, 30, 32, 40, 64, 255, 4095, 4096, 32773, 65535)
SHORT = 3
BRUKER = 80
MAR_OWN = (1024, 3072)
"""Bytes of a MarCCD header that are its own numbers."""


def damaged_header(content: bytes, chance: random.Random) -> bytes:
    """One to a few changes of what a header says, where it can say it."""
    change = _of(content)
    for _ in range(chance.choice((1, 1, 2, 3, 6))):
        content = change(content, chance)
    return content


def _of(content: bytes):  # type: ignore[no-untyped-def]
    if content.startswith((b"II*\0", b"MM\0*")):
        return _tagged
    return _recorded if content.startswith(b"FORMAT :") else _braced


def _braced(content: bytes, chance: random.Random) -> bytes:
    """Keyword and value of SMV, d*TREK and EDF; the padding makes up for the length, mostly."""
    end = content.find(b"}")
    lines = content[:end].split(b"\n")
    if end < 0 or len(lines) < 2:
        return content
    place = chance.randrange(1, len(lines))
    key, _, value = lines[place].partition(b"=")
    kind = chance.randrange(8)
    if kind < 4:
        lines[place] = key + b"= " + _word(chance, value) + b" ;"
    elif kind == 4:
        del lines[place]
    elif kind == 5:
        lines.insert(place, chance.choice(KEYS).encode() + b" = " + _word(chance, value) + b" ;")
    elif kind == 6:
        lines.insert(place, chance.choice(lines))
    else:
        lines[place] = chance.choice(KEYS).encode() + b"=" + value
    head = b"\n".join(lines)
    rest = content[end:]
    longer = len(head) - end
    pads = chance.random() < 0.8
    if pads and longer > 0 and rest[2 : 2 + longer].isspace():
        rest = rest[:2] + rest[2 + longer :]
    elif pads and longer < 0:
        rest = rest[:2] + b" " * -longer + rest[2:]
    return head + rest


def _recorded(content: bytes, chance: random.Random) -> bytes:
    """A record of 80 characters of Bruker's."""
    n_records = max(content[: 1 << 14].count(b":"), 1)
    place = BRUKER * chance.randrange(n_records)
    key = content[place : place + 7]
    if chance.random() < 0.2:
        key = chance.choice(KEYS).encode().ljust(7)[:7]
    value = _word(chance, content[place + 8 : place + BRUKER])
    return content[:place] + key + b":" + value.ljust(72)[:72] + content[place + BRUKER :]


def _word(chance: random.Random, value: bytes) -> bytes:
    """Another value: a number, a text, a word of these formats, or the same a bit changed."""
    kind = chance.randrange(5)
    if kind == 0:
        return str(chance.choice([n for n in NUMBERS if abs(n) < 10**300])).encode()
    if kind == 1:
        return chance.choice(TEXTS).encode("utf-8", "surrogatepass")
    if kind == 2:
        return chance.choice(WORDS).encode()
    if kind == 3:
        return str(chance.choice(SMALL)).encode()
    words = value.split()
    chance.shuffle(words)
    return b" ".join(words[: chance.randrange(len(words) + 1)] + words[:1])


def _tagged(content: bytes, chance: random.Random) -> bytes:
    """A tag of a TIFF directory, or, in a MarCCD header, one of its own numbers."""
    changed = bytearray(content)
    order = "<" if content.startswith(b"II") else ">"
    if len(content) < 16:
        return content
    if content[1028:1031] in (b"MMX", b"XMM") and chance.random() < 0.5:
        place = chance.randrange(MAR_OWN[0], min(MAR_OWN[1], len(content) - 4), 4)
        struct.pack_into(f"{order}I", changed, place, _integer(chance, 32))
        return bytes(changed)
    (offset,) = struct.unpack_from(f"{order}I", content, 4)
    if chance.random() < 0.1 or offset + 2 > len(content):
        struct.pack_into(f"{order}I", changed, 4, chance.choice((0, 8, len(content) - 1, len(content), 2**32 - 1)))
        return bytes(changed)
    (n_tags,) = struct.unpack_from(f"{order}H", content, offset)
    if chance.random() < 0.1:
        struct.pack_into(f"{order}H", changed, offset, chance.choice((0, 1, n_tags - 1, n_tags + 1, 65535)) & 0xFFFF)
        return bytes(changed)
    place = offset + 2 + 12 * chance.randrange(max(n_tags, 1))
    if place + 12 > len(content):
        return content
    tag, kind, count, value = struct.unpack_from(f"{order}HHII", content, place)
    part = chance.randrange(6)
    if part == 0:
        tag = chance.choice(TAGS)
    elif part == 1:
        kind = chance.choice((0, 1, 2, 3, 4, 5, 8, 9, 11, 12, 13, 65535))
    elif part == 2:
        count = _integer(chance, 32)
    else:
        value = _integer(chance, 32)
        if kind == SHORT and order == ">":
            value = (value & 0xFFFF) << 16
    struct.pack_into(f"{order}HHII", changed, place, tag, kind, count, value)
    return bytes(changed)


def _integer(chance: random.Random, bits: int) -> int:
    if chance.random() < 0.6:
        return chance.choice(SMALL)
    return chance.choice((2**31 - 1, 2**31, 2**32 - 1, 65536, 10**9, chance.getrandbits(bits)))
