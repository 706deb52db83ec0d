"""Shoeboxes: the pixels around each reflection, filled frame by frame."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from autoproc.kernels import _integrate_shoebox
from autoproc.kernels import arguments as given

FREE, OWN, OTHER = _integrate_shoebox.FREE, _integrate_shoebox.OWN, _integrate_shoebox.OTHER
UNTRUSTED: int = _integrate_shoebox.UNTRUSTED
OVERLOADED: int = _integrate_shoebox.OVERLOADED
FARTHEST = 1 << 30
"""Pixels and frames from the origin that a shoebox may lie: positions are held in 32 bits."""
LONGEST_SIDE = 1 << 16
"""Pixels or frames along a side of a shoebox."""
LARGEST = int(np.iinfo(np.int32).max)


class PixelMemory:
    """Memory for the pixels of shoeboxes, which is used again: fresh pages take as long as filling them does."""

    def __init__(self) -> None:
        self._spare: list[tuple[np.ndarray, np.ndarray]] = []

    def take(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Room for n pixels' counts (n,) int32 and label (n,) uint8, which hold anything."""
        counts, label = self._spare.pop() if self._spare else (np.empty(0, np.int32), np.empty(0, np.uint8))
        if len(label) < n:
            room = n + n // 4  # for blocks are about alike; what is never written takes no memory
            counts, label = np.empty(room, np.int32), np.empty(room, np.uint8)
        return counts[:n], label[:n]

    def give_back(self, boxes: Shoeboxes) -> None:
        """Take the memory of shoeboxes made with this one, which nobody looks at any more."""
        self._spare.append((_whole(boxes.counts), _whole(boxes.label)))


def _whole(part: np.ndarray) -> np.ndarray:
    return part if part.base is None else part.base


@dataclass(frozen=True, slots=True, eq=False)
class Shoeboxes:
    """Pixels of N reflections, one shoebox after the other.

    bbox : (N, 6) int32 x0 x1 y0 y1 z0 z1; centre : (N, 3) px, px, frame
    transform : (N, 2, 2), (dx, dy) in px to (eps1, eps2)/sigma_b; rate : (N,) eps3/sigma_m per frame
    start : (N + 1,) intp; the pixels of reflection i are [start[i], start[i + 1]) as (z, y, x)
    counts : (P,) int32, which may be negative, UNTRUSTED or OVERLOADED; label : (P,) uint8, FREE, OWN or
        OTHER, for pixels in another's peak or contested by two
    """

    bbox: np.ndarray
    centre: np.ndarray
    transform: np.ndarray
    rate: np.ndarray
    start: np.ndarray
    counts: np.ndarray
    label: np.ndarray

    def __post_init__(self) -> None:
        """Nothing points outside of another. Raises ValueError or TypeError."""
        arrays = (self.bbox, self.centre, self.transform, self.rate, self.start, self.counts, self.label)
        given.require_arrays(*arrays)
        n = self.rate.size
        for name, shape, dtype in (
            ("bbox", (n, 6), np.int32), ("centre", (n, 3), float), ("transform", (n, 2, 2), float),
            ("rate", (n,), float), ("start", (n + 1,), np.intp), ("counts", (self.label.size,), np.int32),
            ("label", (self.counts.size,), np.uint8),
        ):  # fmt: skip
            array = getattr(self, name)
            if array.shape != shape or array.dtype != dtype or not array.flags.c_contiguous:
                raise ValueError(f"{name} is {array.dtype} {array.shape}, expected a contiguous {dtype} {shape}")
        sizes = box_sizes(self.bbox)
        if self.start[0] != 0 or self.start[-1] != len(self.counts) or np.any(np.diff(self.start) != sizes):
            raise ValueError("start does not say where the pixels of each bbox are")

    def __len__(self) -> int:
        return len(self.rate)

    @staticmethod
    def empty(
        bbox: np.ndarray, centre: np.ndarray, transform: np.ndarray, rate: np.ndarray, memory: PixelMemory | None = None
    ) -> Shoeboxes:
        """Shoeboxes to be filled: their pixels are anything until copy_pixels has been given each of their frames."""
        start = np.concatenate([[0], np.cumsum(box_sizes(np.asarray(bbox)))]).astype(np.intp)
        counts, label = (memory or PixelMemory()).take(int(start[-1]))
        return Shoeboxes(
            np.ascontiguousarray(bbox, np.int32),
            np.ascontiguousarray(centre, float),
            np.ascontiguousarray(transform, float),
            np.ascontiguousarray(rate, float),
            start,
            counts,
            label,
        )

    def part(self, first: int, last: int) -> Shoeboxes:
        """Reflections first .. last - 1; the pixels are shared."""
        begin, end = self.start[first], self.start[last]
        return Shoeboxes(
            self.bbox[first:last], self.centre[first:last], self.transform[first:last], self.rate[first:last],
            self.start[first : last + 1] - begin, self.counts[begin:end], self.label[begin:end],
        )  # fmt: skip


def box_sizes(bbox: np.ndarray) -> np.ndarray:
    """(N,) intp, pixels of boxes. Raises ValueError for those that are empty, or larger than any can be."""
    if bbox.ndim != 2 or bbox.shape[1] != 6 or bbox.dtype.kind not in "iu":
        raise ValueError(f"bbox is {bbox.dtype} {bbox.shape}, expected whole numbers (N, 6)")
    if bbox.size and not -FARTHEST <= bbox.min() <= bbox.max() <= FARTHEST:
        raise ValueError(f"a bbox reaches farther than {FARTHEST} px")
    spans = bbox[:, 1::2].astype(np.intp) - bbox[:, ::2].astype(np.intp)
    if spans.size and not 1 <= spans.min() <= spans.max() <= LONGEST_SIDE:
        raise ValueError(f"sides of a bbox have {spans.min()} to {spans.max()} pixels, expected 1 to {LONGEST_SIDE}")
    return np.prod(spans, axis=1, dtype=np.intp)


MOST_CLAIMS = (1 << 14) - 1
"""Reflections on a frame that are numbered in 16 bits; where there are more it takes 32."""


@dataclass(slots=True, eq=False)
class ClaimMap:
    """Scratch space of one thread: for each pixel of a frame, the reflection that claims it.

    owner : (slow, fast) uint16 or uint32, of which two bits say that a pixel is not to be trusted, and that several
        claim it; the rest is the number of the nearest in `rows`, from 1, or 0
    boxes : (N, 4) int32 x0 x1 y0 y1, which hold all pixels that somebody claims
    """

    owner: np.ndarray
    boxes: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.int32))

    def __post_init__(self) -> None:
        """It is the map of a frame, and boxes lie in it. Raises ValueError or TypeError."""
        given.require_arrays(self.owner, self.boxes)
        if self.owner.ndim != 2 or self.owner.dtype not in (np.uint16, np.uint32):
            raise ValueError(f"owner is {self.owner.dtype} {self.owner.shape}, expected (slow, fast) of 16 or 32 bits")
        if self.boxes.shape != (len(self.boxes), 4) or self.boxes.dtype != np.int32:
            raise ValueError(f"boxes {self.boxes.shape}, expected (N, 4)")
        for ends, n in ((self.boxes[:, :2], self.owner.shape[1]), (self.boxes[:, 2:], self.owner.shape[0])):
            if ends.size and not 0 <= ends.min() <= ends.max() <= n:
                raise ValueError(f"boxes reach from {ends.min()} to {ends.max()} of {n} pixels")

    @staticmethod
    def of(trusted: np.ndarray) -> ClaimMap:
        """For frames of which these pixels are to be trusted, (slow, fast) uint8, and none is claimed."""
        trusted = given.flags(trusted, (None, None), "trusted")
        return ClaimMap(np.where(trusted, np.uint16(0), np.uint16(1 << 15)))

    def clear(self, n: int) -> None:
        """Give all pixels back, and make room for n claims."""
        _integrate_shoebox.release_pixels(self.boxes, self.owner)
        if n > MOST_CLAIMS and self.owner.dtype == np.uint16:
            self.owner = self.owner.astype(np.uint32) << 16
        self.boxes = np.zeros((n, 4), np.int32)


def claim_pixels(
    frame: int,
    rows: np.ndarray,
    centre: np.ndarray,
    transform: np.ndarray,
    rate: np.ndarray,
    half_width: np.ndarray,
    radius: float,
    margin: float,
    claims: ClaimMap,
    contested: np.ndarray,
) -> None:
    """Give every peak pixel of `frame` to the nearest of reflections `rows`, in claims.

    A pixel is nobody's, for several claim it, where a second reflection's squared distance in sigma exceeds
    the first's by less than `margin`: it holds flux of both.
    centre, transform, rate, half_width : of all reflections, (N, 3), (N, 2, 2), (N,), (N, 2)
    radius : of a peak, in standard deviations; contested : (N,) uint8, set to 1 where two peaks touch
    """
    given.require_arrays(contested)
    n = len(rate)
    if contested.shape != (n,):
        raise ValueError(f"contested {contested.shape} must be ({n},)")
    rows = given.rows(rows, n, "rows")
    claims.clear(len(rows))
    _integrate_shoebox.claim_pixels(
        given.whole(frame, -LARGEST, LARGEST, "frame"), rows,
        given.floats(centre, (n, 3), "centre"), given.floats(transform, (n, 2, 2), "transform"),
        given.floats(rate, (n,), "rate"), given.floats(half_width, (n, 2), "half_width"),
        given.number(radius, "radius"), given.number(margin, "margin"),
        claims.owner, contested, claims.boxes,
    )  # fmt: skip


def copy_pixels(
    frame: int,
    rows: np.ndarray,
    first: int,
    image: np.ndarray,
    min_trusted: float,
    max_trusted: float,
    claims: ClaimMap,
    boxes: Shoeboxes,
) -> None:
    """Copy `frame` into those of the shoeboxes (indices `rows`) that reach over it.

    image : (slow, fast) int16 or int32
    first : the shoeboxes are of the claims with the numbers first, first + 1 ... in the order of `rows`
    """
    image = given.pixels(image, claims.owner.shape, "image")
    rows = given.rows(rows, len(boxes), "rows")
    first = given.whole(first, 0, LARGEST, "first")
    inside = (boxes.bbox[rows, 4] <= frame) & (frame < boxes.bbox[rows, 5])
    if not inside.all():
        raise ValueError(f"{int((~inside).sum())} shoeboxes do not reach over frame {frame}")
    order = np.argsort(boxes.bbox[rows, 2], kind="stable")
    _integrate_shoebox.copy_pixels(
        given.whole(frame, -LARGEST, LARGEST, "frame"), rows[order], order + (first + 1), image,
        _bound(min_trusted, "min_trusted"), _bound(max_trusted, "max_trusted"),
        claims.owner, boxes.bbox, boxes.start, boxes.counts, boxes.label,
    )  # fmt: skip


def _bound(limit: float, name: str) -> int:
    """The least whole number that is no less than a limit of counts, as far as 32 bits reach."""
    return int(np.clip(np.ceil(given.number(limit, name)), -LARGEST, LARGEST))
