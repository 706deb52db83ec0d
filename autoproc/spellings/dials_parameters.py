"""The parameters of DIALS that people give, by the step of ours that does what the program does.

As DIALS 3.12 and 3.30 have them; docs/from_dials.md is made from these.
"""

from __future__ import annotations

from autoproc.spellings.answers import CLUSTER, WORDS_AUTO
from autoproc.spellings.of_images import (
    BRAVAIS,
    FIND_ROTATION_AXIS,
    FIND_SPOTS,
    IMPORT,
    INDEX,
    REFINE,
    REINDEX,
    SEARCH_BEAM,
)
from autoproc.spellings.of_intensities import (
    COMBINE,
    DAMAGE_ANALYSIS,
    ESTIMATE_RESOLUTION,
    EXPORT,
    INTEGRATE,
    MERGE,
    SCALE,
    SYMMETRY,
)
from autoproc.spellings.spelling import THREADS, Spelling, number_or

ITS_OWN_PAGE = "`autoproc report` draws the page from the .expt and .refl files that were written"
NPROC = number_or(auto="0", none="0")
ANY_STEP = (
    Spelling("nproc", THREADS, convert=NPROC),
    Spelling("mp.nproc", THREADS, convert=NPROC),
    Spelling("njobs", instead=CLUSTER, fine=("1", "none")),
    Spelling("mp.method", instead=CLUSTER, fine=("none", "multiprocessing")),
    Spelling("output.html", instead=ITS_OWN_PAGE, fine=WORDS_AUTO),
    Spelling("output.json", instead="`autoproc run` writes summary.json for programs", fine=WORDS_AUTO),
    Spelling("seed", instead="nothing is left to chance: the same input gives the same result", fine=WORDS_AUTO),
)
"""What every program has, or what means the same in all."""

WHERE_FILES_GO = tuple(
    Spelling(f"output.{name}", instead="files have names of their own here, in the folder --output FOLDER")
    for name in ("experiments", "reflections", "log", "mtz", "unmerged_mtz", "merged_mtz", "prefix", "directory")
)
"""Where a step does not write such a file; names of those that it writes are taken before."""

BY_STEP: dict[str, tuple[Spelling, ...]] = {
    "import": IMPORT, "find-spots": FIND_SPOTS, "search-beam-position": SEARCH_BEAM,
    "find-rotation-axis": FIND_ROTATION_AXIS, "index": INDEX, "bravais-settings": BRAVAIS, "reindex": REINDEX,
    "refine": REFINE, "integrate": INTEGRATE, "symmetry": SYMMETRY, "combine": COMBINE, "scale": SCALE,
    "estimate-resolution": ESTIMATE_RESOLUTION, "damage-analysis": DAMAGE_ANALYSIS, "merge": MERGE,
    "export": EXPORT,
}  # fmt: skip
"""By the name of the subcommand."""
