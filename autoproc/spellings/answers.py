"""What is said of parameters of DIALS in several steps, and values that they have in common."""

from __future__ import annotations

CLUSTER = "autoproc runs on one machine, in threads (--threads N); give each job of a cluster its own sweep"
ONE_SCAN = "give autoproc import the part to use: image_range=FIRST,LAST"
EXCLUDE = "give numbers and ranges: exclude_images=7,20-25, or 0:20:25; of several sweeps each is imported by itself"
RASTER = 'rectangles are masked: mask="x0,y0,x1,y1;..." of autoproc import; other shapes by rectangles within'
WORDS_AUTO = ("auto", "none")
"""Values that leave a choice to the program."""
BEST_OR_C = {"true": "best", "false": "C2"}
"""Of best_monoclinic_beta: the setting of a monoclinic cell."""
