"""Shoeboxes as a stream: frames go in one by one, blocks of complete shoeboxes come out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from autoproc.formats.frames import ImageReader
from autoproc.integration.kabsch import SpotFrames
from autoproc.kernels.integrate_shoebox import ClaimMap, Shoeboxes, claim_pixels, copy_pixels
from autoproc.threads import map_in_order

MARGIN = 5.0
"""A pixel in two peaks belongs to the nearer one where the squared distances, in sigma, differ by
more than this: of two equal Gaussians the farther one then holds less than 8% of the pixel's flux."""


@dataclass(frozen=True, slots=True)
class RotationBlock:
    """Consecutive reflections first .. last - 1, whose shoeboxes span frames z0 .. z1 - 1."""

    first: int
    last: int
    z0: int
    z1: int


def rotation_blocks(frame: np.ndarray, bbox: np.ndarray, width: float, n_images: int) -> list[RotationBlock]:
    """Divide reflections, sorted by `frame` (N,), into blocks of about `width` frames; none is empty."""
    n_blocks = max(1, round(n_images / width))
    edges = np.searchsorted(frame, np.linspace(0, n_images, n_blocks + 1)[1:-1])
    blocks = []
    for first, last in zip([0, *edges], [*edges, len(frame)], strict=True):
        if last > first:
            spans = bbox[first:last]
            blocks.append(RotationBlock(int(first), int(last), int(spans[:, 4].min()), int(spans[:, 5].max())))
    return blocks


def stream_shoeboxes(
    reader: ImageReader,
    trusted: np.ndarray,
    frames: SpotFrames,
    bbox: np.ndarray,
    blocks: list[RotationBlock],
    radius: float,
    n_threads: int,
    contested: np.ndarray,
) -> Iterator[Shoeboxes]:
    """Yield the filled shoeboxes of each rotation block, in order.

    trusted : (slow, fast) uint8; contested : (N,) uint8, set to 1 for reflections that share peak pixels
    Only the shoeboxes of blocks under way and a few frames are in memory.
    """
    half_width = frames.half_widths_px(radius)
    order = np.minimum.accumulate([b.z0 for b in blocks[::-1]])[::-1]
    filling: dict[int, Shoeboxes] = {}
    scratch = threading.local()

    def open_blocks() -> Iterator[tuple[int, list[tuple[int, Shoeboxes]]]]:
        done = 0
        for frame in range(min(b.z0 for b in blocks), max(b.z1 for b in blocks)):
            while blocks[done].z1 <= frame:
                done += 1
            live = []
            for n in range(done, len(blocks)):
                if order[n] > frame:
                    break
                block = blocks[n]
                if block.z0 <= frame < block.z1:
                    if n not in filling:
                        rows = slice(block.first, block.last)
                        filling[n] = Shoeboxes.empty(
                            bbox[rows], frames.centre[rows], frames.transform[rows], frames.rate[rows]
                        )
                    live.append((block.first, filling[n]))
            yield frame, live

    def fill(work: tuple[int, list[tuple[int, Shoeboxes]]]) -> int:
        frame, live = work
        if not hasattr(scratch, "claims"):
            scratch.claims = ClaimMap.of_shape(reader.shape)
        reach = [np.flatnonzero((boxes.bbox[:, 4] <= frame) & (frame < boxes.bbox[:, 5])) for _, boxes in live]
        rows = np.concatenate([r + offset for r, (offset, _) in zip(reach, live, strict=True)] or [np.empty(0, int)])
        claim_pixels(
            frame,
            rows,
            frames.centre,
            frames.transform,
            frames.rate,
            half_width,
            radius,
            MARGIN,
            scratch.claims,
            contested,
        )
        image = reader.read(frame)
        for inside, (offset, boxes) in zip(reach, live, strict=True):
            copy_pixels(frame, inside, offset, image, trusted, reader.max_trusted, scratch.claims, boxes)
        return frame

    waiting = 0
    for frame in map_in_order(fill, open_blocks(), n_threads):
        while waiting < len(blocks) and blocks[waiting].z1 <= frame + 1:
            yield filling.pop(waiting)
            waiting += 1
