"""Files of SHELX, as tests need them."""

from __future__ import annotations

import numpy as np

INS = "CELL 0.71073 5.432 8.141 12.038 90 98.3 90\nLATT 1\nSYMM -X, 0.5+Y, 0.5-Z\nHKLF 4\n"


def shelx(folder, rows, ins=INS):
    lines = [f"{h:4d}{k:4d}{m:4d}{value:8.2f}{sigma:8.2f}{batch}" for h, k, m, value, sigma, batch in rows]
    (folder / "a.hkl").write_text("\n".join(lines) + "\n")
    if ins:
        (folder / "a.ins").write_text(ins)
    return folder / "a.hkl"


def some_rows(n=40):
    rng = np.random.default_rng(0)
    return [(h, 1, 2, 100 * rng.random(), 1 + rng.random(), "") for h in range(1, n + 1)]
