"""The spots found, as text: what was removed and why, and a histogram over the images."""

from __future__ import annotations

import numpy as np

from autoproc.wording import counted

WIDTH = 60
HEIGHT = 10


def format_spots_per_image(spots_per_image: np.ndarray, first_image: int = 1, name: str = "imageset 0") -> str:
    """A histogram of spots against image, in characters, at most 60 wide and 10 high."""
    n = len(spots_per_image)
    total = int(np.sum(spots_per_image))
    title = f"Histogram of per-image spot count for {name}:"
    images = counted(n, "image")
    if not total:
        return f"{title}\n0 spots found on {images}"
    bins, per_bin = histogram_bins(spots_per_image)
    highest = bins.max()
    # a row is filled where the bin, in tenths of the highest and rounded up, reaches it
    tenths = np.ceil(bins * HEIGHT / highest - 1e-9)
    rows = ["".join("*" if tenth >= row else " " for tenth in tenths) for row in range(HEIGHT, 0, -1)]
    bin_words = "bin" if per_bin == 1 else f"bin of {per_bin} images"
    summary = f"{total} spots found on {images} (max {highest:.0f} / {bin_words})"
    return "\n".join([title, summary, *rows, _axis(first_image, first_image + n - 1, len(bins))])


def histogram_bins(spots_per_image: np.ndarray) -> tuple[np.ndarray, int]:
    """Spots in at most 60 bins of equally many images, and how many images that is.

    A last bin with fewer images is scaled up, so that it does not look like a loss of diffraction.
    """
    n = len(spots_per_image)
    per_bin = -(-n // WIDTH)
    starts = np.arange(0, n, per_bin)
    bins = np.add.reduceat(np.asarray(spots_per_image, float), starts)
    bins[-1] *= per_bin / (n - starts[-1])
    return bins, per_bin


def _axis(first: int, last: int, width: int) -> str:
    if first == last:
        return str(first)
    gap = max(width - len(str(first)) - len(str(last)), 1)
    return f"{first}{('image' if gap >= 7 else '').center(gap)}{last}"


def format_removed(counts: dict[str, int], min_spot_size: int, max_spot_size: int) -> str:
    """What was extracted and what was removed, line by line."""
    sized = counts["extracted"] - counts["too_small"] - counts["too_large"]
    cold = sized - counts["hot"]
    lines = [
        f"Extracted {counts['extracted']} spots",
        f"Removed {counts['too_small']} spots with size < {min_spot_size} pixels",
        f"Removed {counts['too_large']} spots with size > {max_spot_size} pixels",
        f"Calculated {sized} spot centroids",
        f"Calculated {sized} spot intensities",
    ]
    if counts["hot"]:
        lines.append(f"Removed {counts['hot']} spots on pixels that are strong on most images")
    lines.append(f"Filtered {cold - counts['far_peak']} of {cold} spots by peak-centroid distance")
    return "\n".join(lines)
