"""Damage to HDF5 files that the library itself writes: objects gone, of another type or shape, linked in loops."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np

from fuzzing.extremes import TEXTS, number

UNWRITABLE = (
    ArithmeticError, AttributeError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError,
)  # fmt: skip
HUGE = (
    (2**40,),
    (2**31, 2),
    (2**32, 30, 40),
    (10**7, 30, 40),
    (1, 2**20, 2**20),
    (2**62,),
    (0,),
    (0, 30, 40),
    (5, 0, 40),
)
PATHS = (
    "/",
    "/entry",
    ".",
    "/entry/data/data",
    "entry",
    "/entry/instrument/detector",
    "/nowhere",
    "/entry/sample/../x",
)
NUMERIC = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", "c16", "?", ">i4", ">f8", "f16")


def damage(path: Path, chance: random.Random) -> None:
    """Change one to a few objects of a whole file."""
    with h5py.File(path, "r+") as file:
        for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
            names = _names(file)
            name = chance.choice(names)
            try:
                chance.choice(KINDS)(file, name, chance)
            except UNWRITABLE:
                continue  # what the library refuses to write


def _names(file: h5py.File) -> list[str]:
    """Every path in the file, links that lead out of it included."""
    found: list[str] = []

    def visit(group: h5py.Group, depth: int) -> None:
        for name in group:
            found.append(f"{group.name.rstrip('/')}/{name}")
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.HardLink) and group.get(name, getclass=True) is h5py.Group and depth < 8:
                visit(group[name], depth + 1)

    visit(file["/"], 0)
    return found or ["/entry"]


def _gone(file: h5py.File, name: str, chance: random.Random) -> None:
    del file[name]


def _replaced(file: h5py.File, name: str, chance: random.Random) -> None:
    shape = _shape_of(file, name)
    del file[name]
    made: Any = chance.choice((_scalar, _array, _text, _odd, _huge, _group))
    made(file, name, chance, shape)


def _shape_of(file: h5py.File, name: str) -> tuple[int, ...]:
    return file[name].shape or () if file.get(name, getclass=True) is h5py.Dataset else ()


def _kept_attributes(file: h5py.File, name: str, change: Callable[[], None]) -> None:
    item = file.get(name)
    kept = dict(item.attrs) if item is not None else {}
    change()
    for key, value in kept.items():
        file[name].attrs[key] = value


def _retyped(file: h5py.File, name: str, chance: random.Random) -> None:
    """Replaced, but with the attributes that it had."""
    _kept_attributes(file, name, lambda: _replaced(file, name, chance))


def _scalar(file: h5py.File, name: str, chance: random.Random, _: tuple[int, ...]) -> None:
    file[name] = float(number(chance)) if chance.random() < 0.5 else np.int64(chance.choice((0, -1, 2**31, 2**62)))


def _array(file: h5py.File, name: str, chance: random.Random, shape: tuple[int, ...]) -> None:
    shapes = (
        shape,
        shape[::-1],
        (*shape, 1),
        (1, *shape),
        shape[1:],
        (3,),
        (2, 2),
        (30, 40),
        (6, 30, 40),
        (6, 1, 30, 40),
        (1,),
    )
    values = np.full(chance.choice(shapes), 1.0)
    if values.size:
        values.flat[chance.randrange(values.size)] = float(number(chance))
    with np.errstate(all="ignore"):
        file[name] = values.astype(chance.choice(NUMERIC))


def _text(file: h5py.File, name: str, chance: random.Random, _: tuple[int, ...]) -> None:
    text = chance.choice(TEXTS).encode("utf-8", "surrogatepass").replace(b"\0", b"")
    made: tuple[Any, ...] = (
        np.bytes_(text),
        text.decode("utf-8", "replace"),
        [np.bytes_(text)] * 3,
        np.void(text or b"x"),
    )
    file[name] = chance.choice(made)


def _odd(file: h5py.File, name: str, chance: random.Random, _: tuple[int, ...]) -> None:
    kind = chance.randrange(6)
    if kind == 0:
        file[name] = h5py.Empty(chance.choice(("f8", "i4", "S5")))
    elif kind == 1:
        file[name] = np.zeros(chance.choice(((), (3,))), [("a", "f8"), ("b", "i4")])
    elif kind == 2:
        file.create_dataset(name, (2,), h5py.vlen_dtype(np.float64))
    elif kind == 3:
        file.create_dataset(name, data=file.ref, dtype=h5py.ref_dtype)
    elif kind == 4:
        file.create_dataset(name, (3,), h5py.enum_dtype({"A": 0, "B": 1}))
    else:
        file[name] = np.dtype(chance.choice(("f8", "S3")))  # a named type


def _huge(file: h5py.File, name: str, chance: random.Random, _: tuple[int, ...]) -> None:
    shape = chance.choice(HUGE)
    chunks = chance.choice((None, True)) if 0 not in shape else None
    file.create_dataset(name, shape, chance.choice(("u2", "f8", "u4")), chunks=chunks)


def _group(file: h5py.File, name: str, chance: random.Random, _: tuple[int, ...]) -> None:
    file.create_group(name).attrs["NX_class"] = chance.choice(
        ("NXentry", "NXdata", "NXdetector", "NXtransformations", "x")
    )


def _linked(file: h5py.File, name: str, chance: random.Random) -> None:
    """A link in place of an object: to itself, up, round in a circle, out of the file, nowhere."""
    parent = name.rpartition("/")[0] or "/"
    target = chance.choice((*PATHS, name, parent, *_names(file)))
    own = Path(file.filename).name
    del file[name]
    other = chance.choice(
        (own, own, "x_data_000001.h5", "nowhere.h5", ".", "..", "/dev/zero", "a" * 300, "../" * 8 + "etc/passwd")
    )
    kind = chance.randrange(3)
    file[name] = (h5py.SoftLink(target), h5py.ExternalLink(other, target), file.get(target) or h5py.SoftLink(name))[
        kind
    ]


def _revalued(file: h5py.File, name: str, chance: random.Random) -> None:
    """Extreme values in a data set that stays what it is."""
    item = file[name]
    if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "iuf" or not item.size:
        return _other_attribute(file, name, chance)
    values = item[()] if item.ndim else np.array(item[()])
    extreme = number(chance)
    with np.errstate(all="ignore"):
        if item.dtype.kind in "iu":
            limits = np.iinfo(item.dtype)
            extreme = min(max(int(extreme) if abs(extreme) < 1e300 else 0, limits.min), limits.max)
        if chance.random() < 0.5 or not values.ndim:
            values[...] = extreme
        else:
            values.flat[chance.randrange(values.size)] = extreme
    item[...] = values
    return None


def _other_attribute(file: h5py.File, name: str, chance: random.Random) -> None:
    item = file[name]
    keys = [*item.attrs, chance.choice(("NX_class", "signal", "default", "units", "depends_on", "vector", "offset"))]
    key = chance.choice(keys)
    text = chance.choice(TEXTS).encode("utf-8", "surrogatepass").replace(b"\0", b"")
    odd: tuple[Any, ...] = (
        None, h5py.Empty("f8"), h5py.Empty("S3"), float(number(chance)), np.bytes_(text), [np.bytes_(text)] * 2,
        text.decode("utf-8", "replace"), np.zeros(3), np.full(3, np.nan), np.full(3, np.inf), [1.0, 0.0],
        np.zeros((2, 3)), np.zeros(0), np.zeros(2, [("a", "f8")]),
        name, chance.choice(PATHS), name.rpartition("/")[2], 1, "1",
        b"\xff\xfe", True, np.full(3, 1e300), np.bytes_(chance.choice(_names(file)).encode()),
    )  # fmt: skip
    value = chance.choice(odd)
    if value is None:
        del item.attrs[key]
    else:
        item.attrs[key] = value


def _chain(file: h5py.File, name: str, chance: random.Random) -> None:
    """Another end of a chain of transformations."""
    names = _names(file)
    file[chance.choice([n for n in names if "transformations" in n or "module" in n] or names)].attrs["depends_on"] = (
        chance.choice((*names, *PATHS, "x" * 3000))
    )


def _other_storage(file: h5py.File, name: str, chance: random.Random) -> None:
    """The same shape with other chunks, filters or values elsewhere."""
    names = [n for n in _names(file) if file.get(n, getclass=True) is h5py.Dataset]
    name = chance.choice([n for n in names if file[n].ndim > 1] or names)
    item = file[name]
    shape, dtype = item.shape, item.dtype
    kind = chance.randrange(5)

    def change() -> None:
        del file[name]
        if kind == 0:
            layout = h5py.VirtualLayout(shape, dtype)
            source = chance.choice((".", Path(file.filename).name, "nowhere.h5", "/dev/zero"))
            layout[...] = h5py.VirtualSource(source, chance.choice((name, "/entry/data/data")), shape=shape)
            file.create_virtual_dataset(name, layout)
        elif kind == 1:
            file.create_dataset(
                name, shape, dtype, external=[(chance.choice(("/etc/passwd", "x.raw")), 0, h5py.h5f.UNLIMITED)]
            )
        elif kind == 2:
            _garbage(file.create_dataset(name, shape, dtype, chunks=(1, *shape[1:]), **hdf5plugin.Bitshuffle()), chance)
        elif kind == 3:
            filters = (
                {"compression": "gzip"},
                {"compression": "lzf"},
                {"fletcher32": True},
                {"shuffle": True, "compression": 1},
            )
            _garbage(file.create_dataset(name, shape, dtype, chunks=(1, *shape[1:]), **chance.choice(filters)), chance)
        else:
            options = {
                "compression": chance.choice((32008, 32004, 32001, 32015)),
                "compression_opts": (chance.randrange(9),) * 5,
            }
            file.create_dataset(name, shape, dtype, chunks=(1, *shape[1:]), allow_unknown_filter=True, **options)

    _kept_attributes(file, name, change)


def _garbage(data: h5py.Dataset, chance: random.Random) -> None:
    for n in range(len(data)):
        head = chance.choice((b"", data.size.to_bytes(8, "big") + (8192).to_bytes(4, "big"), b"\xff" * 12))
        data.id.write_direct_chunk(
            (n, *(0,) * (data.ndim - 1)), head + chance.randbytes(chance.choice((0, 1, 40, 4000)))
        )


KINDS = (_gone, _replaced, _retyped, _retyped, _linked, _linked, _revalued, _revalued, _other_attribute,
         _other_attribute, _chain, _other_storage)  # fmt: skip
