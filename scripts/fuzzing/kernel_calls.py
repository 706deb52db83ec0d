"""Calls of the compiled kernels: right ones, and the same with arrays of other shapes, types and values."""

from __future__ import annotations

import math
import pickle
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from autoproc.kernels.bitshuffle_lz4 import decode_bitshuffle_lz4
from autoproc.kernels.byte_offset import decode_byte_offset
from autoproc.kernels.byte_offset_write import encode_byte_offset
from autoproc.kernels.connected_spots import connected_spots, tally_pixels
from autoproc.kernels.dispersion import strong_pixels
from autoproc.kernels.image_pyramid import code_rows, pool_rows
from autoproc.kernels.integrate_survey import BackgroundSum, Rings, survey_frame
from autoproc.kernels.pack_shoeboxes import box_pixels, pack_shoeboxes
from autoproc.kernels.simulate_spots import add_spots
from fuzzing import bytes_damage
from fuzzing.extremes import NUMBERS
from fuzzing.integration_calls import CALLS as INTEGRATION_CALLS
from fuzzing.integration_calls import right_arguments
from fuzzing.readers import Reader
from fuzzing.scaling_calls import CALLS as SCALING_CALLS
from fuzzing.scaling_calls import right_arguments as scaling_arguments
from fuzzing.seeds import SIZE, Seeds
from fuzzing.spot_calls import CALLS as SPOT_CALLS
from fuzzing.spot_calls import right_arguments as spot_arguments

SHAPE = (SIZE[1], SIZE[0])
CHUNK_HEADER = 12
DTYPES = ("i4", "i8", "f8", "f4", "u1", "?", "u2", "i1", "i2")
EXTREME = (math.nan, math.inf, *(float(number) for number in NUMBERS if abs(number) < 1 << 1000))

WHOLE = (0, -1, 1, 2**31 - 1, 2**31, -(2**31), 17, 1000, 2**63, 2**64)


def _survey(image: np.ndarray, trusted: np.ndarray, *rest: Any) -> None:
    survey_frame(image, trusted, *rest)


def _add_background(*arguments: Any) -> None:
    image, trusted, covered, *rest = arguments[3:]
    BackgroundSum(*arguments[:3], 0).add([image, image], trusted, [covered, covered], *rest)


def _ring_limits(image: np.ndarray, trusted: np.ndarray, ring: np.ndarray, n_rings: int, *rest: Any) -> None:
    rings = Rings(ring, trusted, n_rings)
    rings.caps(rings.limits(image, *rest))


def _strong_pixels(image: np.ndarray, mask: np.ndarray, *rest: Any) -> None:
    names = ("kernel_size", "gain", "noise", "lowest", "overload", "extended", "max_strong", "min_local")
    strong_pixels(image, mask, **dict(zip(names, rest, strict=True)))


def _pack_shoeboxes(header: np.ndarray, spots: np.ndarray, bbox: np.ndarray, start: np.ndarray, *rest: Any) -> None:
    pack_shoeboxes(header, spots, box_pixels(bbox, start, rest[:4]), rest[4])


def _code_rows(counts: np.ndarray, mask: np.ndarray, lowest: int, overload: int, *levels_and_rows: Any) -> None:
    *levels, first, end = levels_and_rows
    code_rows(counts, mask, lowest, overload, levels, first, end)


def _pool_rows(*levels_and_rows: Any) -> None:
    *levels, first, end = levels_and_rows
    pool_rows(levels, first, end)


def _of_pyramids(name: str, image: np.ndarray, rng: np.random.Generator) -> list[Any]:
    """What the kernels of images at all scales take."""
    dtype = rng.choice((np.uint16, np.uint32))
    levels = [np.zeros((-(-SHAPE[0] // step), -(-SHAPE[1] // step)), dtype) for step in (1, 2, 4)]
    asked = [*levels, 0, SHAPE[0]]
    return asked if name == "pool_rows" else [image, np.ones(SHAPE, np.uint8), 0, 9, *asked]


def _of_spots(name: str, rng: np.random.Generator) -> list[Any]:
    """What the kernels of spot finding take."""
    n = SHAPE[0] * SHAPE[1]
    pixels = np.unique(rng.integers(0, 3 * n, 300))
    if name == "connected_spots":
        return [pixels // n, pixels % n, SHAPE[1]]
    if name == "tally_pixels":
        return [pixels % n, rng.normal(size=len(pixels)), np.zeros((n, 3), np.float32)]
    corner, size = rng.integers(0, 20, (3, 3)), rng.integers(1, 5, (3, 3))
    bbox = np.stack([corner, corner + size], axis=2).reshape(3, 6)
    x, y, z = (corner + rng.integers(0, size)).T
    return [np.column_stack([np.zeros(3, int), bbox]), np.arange(3), bbox, np.arange(4), x, y, z, np.arange(3), 5]


CALLS: dict[str, Callable[..., Any]] = {
    "decode_byte_offset": decode_byte_offset,
    "decode_bitshuffle_lz4": decode_bitshuffle_lz4,
    "encode_byte_offset": encode_byte_offset,
    "connected_spots": connected_spots,
    "tally_pixels": tally_pixels,
    "pack_shoeboxes": _pack_shoeboxes,
    "survey_frame": _survey,
    "add_background": _add_background,
    "ring_limits": _ring_limits,
    "strong_pixels": _strong_pixels,
    "add_spots": add_spots,
    "code_rows": _code_rows,
    "pool_rows": _pool_rows,
    **SCALING_CALLS,
    **SPOT_CALLS,
    **INTEGRATION_CALLS,
}
ARGUMENTS_ELSEWHERE = {
    **dict.fromkeys(SCALING_CALLS, scaling_arguments),
    **dict.fromkeys(SPOT_CALLS, spot_arguments),
}


class Kernels(Reader):
    """The compiled kernels, through their checked doors: what these let through must be safe."""

    name, what = "kernels", "the compiled kernels: packed pixels, arrays of any shape, type and value"
    refusals = (ValueError, TypeError)

    def __init__(self, seeds: Seeds) -> None:
        content = seeds.cbf["x_00001.cbf"]
        start = content.find(b"\x0c\x1a\x04\xd5") + 4
        self.packed = content[start : start + 2000]
        data = next(value for name, value in seeds.nexus.items() if "_data_" in name)
        size = SHAPE[0] * SHAPE[1] * 4
        chunk = data.find(size.to_bytes(8, "big"))
        self.chunk = data[chunk : chunk + 4000]

    def write(self, folder: Path, chance: random.Random) -> None:
        name = chance.choice(list(CALLS))
        arguments = self._right(name, np.random.default_rng(chance.getrandbits(32)), chance)
        if name not in ("decode_byte_offset", "decode_bitshuffle_lz4"):
            for _ in range(chance.choice((1, 1, 2, 3))):
                n = chance.randrange(len(arguments))
                arguments[n] = _changed(arguments[n], chance)
        (folder / "call").write_bytes(pickle.dumps((name, arguments)))

    def read(self, folder: Path) -> None:
        name, arguments = pickle.loads((folder / "call").read_bytes())
        with np.errstate(all="ignore"):
            CALLS[name](*arguments)

    def _right(self, name: str, rng: np.random.Generator, chance: random.Random) -> list[Any]:
        n = SHAPE[0] * SHAPE[1]
        image = rng.poisson(3, SHAPE).astype(np.int32)
        ones, rings = np.ones(SHAPE, np.uint8), rng.integers(0, 4, SHAPE).astype(np.int32)
        n_spots = 5
        centre = rng.uniform(-5, 45, (n_spots, 2))
        match name:
            case "decode_byte_offset":
                return [bytes_damage.damaged(self.packed, chance), chance.choice((n, n, 0, 1, 10 * n, -1))]
            case "decode_bitshuffle_lz4":
                return [self._chunk(chance), chance.choice((4, 4, 4, 2, 1, 8)), chance.choice((n, n, n, 2 * n, 0))]
            case "encode_byte_offset":
                return [rng.integers(-(2**31), 2**31, SHAPE, dtype=np.int32)]
            case "connected_spots" | "tally_pixels" | "pack_shoeboxes":
                return _of_spots(name, rng)
            case "code_rows" | "pool_rows":
                return _of_pyramids(name, image, rng)
            case "survey_frame":
                return [image, ones, 1e6, centre, rng.uniform(0, 5, n_spots), 0.0, 1.0, 0.0, 1 - ones]
            case "add_background":
                sums = [np.zeros(SHAPE, np.int32), np.zeros(SHAPE, np.uint16), np.zeros(SHAPE, np.uint16)]
                return [*sums, image, ones, np.unique(rng.integers(0, n, 50)), np.full(SHAPE, 9, np.int32), 0.0]
            case "ring_limits":
                return [image, ones, rings, 4, 0.0, 1.0, 0.0]
            case "strong_pixels":
                return [image, ones.astype(bool), (3, 3), 1.0, chance.choice((0.0, 4.0)), 0, 1e6, True, None, 2]
            case "add_spots":
                return [np.zeros(SHAPE), centre, np.tile((2.0, 0.1, 2.0), (n_spots, 1)), np.full(n_spots, 100.0), 4.5]
            case _ if name in ARGUMENTS_ELSEWHERE:
                return ARGUMENTS_ELSEWHERE[name](name, rng)
            case _:
                return right_arguments(name, rng, SHAPE)

    def _chunk(self, chance: random.Random) -> bytes:
        """A damaged chunk; its header is right, mostly, so that its blocks are looked at."""
        keep = CHUNK_HEADER if chance.random() < 0.8 else 0
        return self.chunk[:keep] + bytes_damage.damaged(self.chunk[keep:], chance)


def _changed(value: Any, chance: random.Random) -> Any:
    if chance.random() < 0.03:
        return chance.choice((None, "text", [], [1.5], object(), np.array(["a"]), np.array(None), 10**400))
    if isinstance(value, tuple):
        return tuple(_changed(item, chance) for item in value)
    if not isinstance(value, np.ndarray):
        return chance.choice(WHOLE if isinstance(value, int) else EXTREME)
    if value.ndim == 0:
        return value
    kind = chance.randrange(4)
    if kind == 0 and value.dtype.kind != "U":
        return value.astype(chance.choice(DTYPES))
    if kind == 1:
        shapes: tuple[np.ndarray, ...] = (
            value[:-1], value[:0], value.ravel(), value[None], value[::2], value.T, value[..., :-1], value[..., ::-1],
            np.concatenate([value, value]), np.asfortranarray(value), np.broadcast_to(value, (2, *value.shape)),
        )  # fmt: skip
        return chance.choice(shapes)
    changed = value.copy()
    if not changed.size or changed.dtype.kind in "bU":
        return changed
    for _ in range(chance.choice((1, 1, 3, changed.size))):
        extreme = chance.choice(EXTREME)
        if changed.dtype.kind in "iu":
            limits = np.iinfo(changed.dtype)
            extreme = (
                chance.choice((limits.min, limits.max, -1, 0, 1)) if limits.min else chance.choice((0, 1, limits.max))
            )
        changed.flat[chance.randrange(changed.size)] = extreme
    return changed
