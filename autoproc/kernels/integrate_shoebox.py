"""Shoeboxes: the pixels around each reflection, filled frame by frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoproc.kernels import _integrate_shoebox

FREE, OWN, OTHER = _integrate_shoebox.FREE, _integrate_shoebox.OWN, _integrate_shoebox.OTHER
UNTRUSTED: int = _integrate_shoebox.UNTRUSTED
OVERLOADED: int = _integrate_shoebox.OVERLOADED


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

    def __len__(self) -> int:
        return len(self.rate)

    @staticmethod
    def empty(bbox: np.ndarray, centre: np.ndarray, transform: np.ndarray, rate: np.ndarray) -> Shoeboxes:
        """Shoeboxes to be filled."""
        sizes = np.prod((bbox[:, 1::2] - bbox[:, ::2]).astype(np.intp), axis=1)
        start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.intp)
        return Shoeboxes(
            np.ascontiguousarray(bbox, np.int32),
            np.ascontiguousarray(centre, float),
            np.ascontiguousarray(transform, float),
            np.ascontiguousarray(rate, float),
            start,
            np.full(start[-1], UNTRUSTED, np.int32),
            np.zeros(start[-1], np.uint8),
        )

    def part(self, first: int, last: int) -> Shoeboxes:
        """Reflections first .. last - 1; the pixels are shared."""
        begin, end = self.start[first], self.start[last]
        return Shoeboxes(
            self.bbox[first:last], self.centre[first:last], self.transform[first:last], self.rate[first:last],
            self.start[first : last + 1] - begin, self.counts[begin:end], self.label[begin:end],
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class ClaimMap:
    """Scratch space of one thread: for each pixel of a frame, the reflection that claims it."""

    owner: np.ndarray
    distance: np.ndarray

    @staticmethod
    def of_shape(shape: tuple[int, int]) -> ClaimMap:
        """For frames of shape (slow, fast)."""
        return ClaimMap(np.empty(shape, np.int32), np.empty(shape, np.float32))


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
    """Give every peak pixel of `frame` to the nearest of reflections `rows`, in claims.owner.

    A pixel is nobody's (owner below -1) where a second reflection's squared distance in sigma exceeds
    the first's by less than `margin`: it holds flux of both.
    centre, transform, rate, half_width : of all reflections, (N, 3), (N, 2, 2), (N,), (N, 2)
    radius : of a peak, in standard deviations; contested : (N,) uint8, set to 1 where two peaks touch
    """
    n = len(rate)
    if centre.shape != (n, 3) or transform.shape != (n, 2, 2) or half_width.shape != (n, 2) or contested.shape != (n,):
        raise ValueError("centre, transform, rate, half_width and contested differ in length")
    if len(rows) and (rows.min() < 0 or rows.max() >= n):
        raise ValueError(f"rows must lie in [0, {n})")
    _integrate_shoebox.claim_pixels(
        frame, np.ascontiguousarray(rows, np.intp), centre, transform, rate, half_width, radius, margin,
        claims.owner, claims.distance, contested,
    )  # fmt: skip


def copy_pixels(
    frame: int,
    rows: np.ndarray,
    offset: int,
    image: np.ndarray,
    trusted: np.ndarray,
    min_trusted: float,
    max_trusted: float,
    claims: ClaimMap,
    boxes: Shoeboxes,
) -> None:
    """Copy `frame` into those of the shoeboxes (indices `rows`) that reach over it.

    image : (slow, fast) int32; trusted : (slow, fast) uint8
    offset : the shoebox with index i is reflection i + offset of the claims
    """
    if image.shape != claims.owner.shape or trusted.shape != image.shape:
        raise ValueError(f"image {image.shape}, mask {trusted.shape} and claims {claims.owner.shape} differ in shape")
    inside = (boxes.bbox[rows, 4] <= frame) & (frame < boxes.bbox[rows, 5])
    if not inside.all():
        raise ValueError(f"{int((~inside).sum())} shoeboxes do not reach over frame {frame}")
    _integrate_shoebox.copy_pixels(
        frame, np.ascontiguousarray(rows, np.intp), offset, np.ascontiguousarray(image, np.int32), trusted,
        min_trusted, max_trusted, claims.owner, boxes.bbox, boxes.start, boxes.counts, boxes.label,
    )  # fmt: skip
