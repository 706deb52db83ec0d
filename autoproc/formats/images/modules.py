"""Modules of pixel array detectors: where the gaps between them are."""

from __future__ import annotations

Rectangle = tuple[int, int, int, int]

# (pixels of a module, pixels of the gap) along fast and along slow.
MODULES = {
    "PILATUS": (((487, 7), (195, 17)),),
    "EIGER": (((1030, 10), (514, 37)), ((1028, 12), (512, 38))),
}


def module_gaps(detector: str, image_size: tuple[int, int]) -> tuple[Rectangle, ...]:
    """Rectangles (x0, y0, x1, y1), half-open, between the modules of a PILATUS or EIGER.

    detector : the header's description; empty where the size is not that of a whole number of modules.
    """
    for kind, layouts in MODULES.items():
        if kind not in detector.upper():
            continue
        for (fast, slow), (n_fast, n_slow) in ((layout, image_size) for layout in layouts):
            columns, rows = _gaps(n_fast, *fast), _gaps(n_slow, *slow)
            if columns is not None and rows is not None:
                vertical = tuple((start, 0, stop, n_slow) for start, stop in columns)
                return vertical + tuple((0, start, n_fast, stop) for start, stop in rows)
    return ()


def _gaps(size: int, module: int, gap: int) -> list[tuple[int, int]] | None:
    count, rest = divmod(size + gap, module + gap)
    if rest or not count:
        return None
    return [(n * (module + gap) + module, (n + 1) * (module + gap)) for n in range(count - 1)]
