"""How to cite a result: the program, and the papers of the methods that made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

REFERENCES = {
    "geometry": "Winter et al. (2018). Acta Cryst. D74, 85\u201397",
    "spots": "Winter et al. (2018). Acta Cryst. D74, 85\u201397",
    "fft3d": "Bricogne (1986). Proc. EEC Workshop on Position-Sensitive Detector Software; "
             "Campbell (1998). J. Appl. Cryst. 31, 407\u2013413",
    "fft1d": "Steller, Bolotovsky & Rossmann (1997). J. Appl. Cryst. 30, 1036\u20131040",
    "profiles": "Kabsch (2010). Acta Cryst. D66, 133\u2013144",
    "background": "Parkhurst et al. (2016). J. Appl. Cryst. 49, 1912\u20131921",
    "symmetry": "Evans (2011). Acta Cryst. D67, 282\u2013292; Le Page (1982). J. Appl. Cryst. 15, 255\u2013259",
    "scaling": "Beilsten-Edmands et al. (2020). Acta Cryst. D76, 385\u2013399; "
               "Evans & Murshudov (2013). Acta Cryst. D69, 1204\u20131214",
    "statistics": "Diederichs & Karplus (1997). Nat. Struct. Biol. 4, 269\u2013275; "
                  "Weiss (2001). J. Appl. Cryst. 34, 130\u2013135",
    "resolution": "Karplus & Diederichs (2012). Science 336, 1030\u20131033",
    "amplitudes": "French & Wilson (1978). Acta Cryst. A34, 517\u2013525",
    "twinning": "Padilla & Yeates (2003). Acta Cryst. D59, 1124\u20131130",
    "settings": "Brehm & Diederichs (2014). Acta Cryst. D70, 101\u2013109; "
                "Gildea & Winter (2018). Acta Cryst. D74, 405\u2013410",
    "damage": "Diederichs (2006). Acta Cryst. D62, 96\u2013101; Winter et al. (2019). Acta Cryst. D75, 242\u2013261",
    "left_out": "Assmann, Brehm & Diederichs (2016). J. Appl. Cryst. 49, 1021\u20131028",
    "files": "Wojdyr (2022). J. Open Source Softw. 7, 4200",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Citation:
    """What was done, and by whose method."""

    what: str
    reference: str


def citations(summary: Mapping[str, Any], settings: Mapping[str, Any]) -> list[Citation]:
    """What to cite for the stages that a summary says were reached, the program first.

    settings : parameters that are not the defaults, by table
    """
    done = set(summary.get("timings") or ())
    asked = (settings.get("index") or {}).get("method", "fft3d")
    method = "fft1d" if asked == "fft1d" or _is_kept(summary, "index", "one-dimensional") else "fft3d"
    methods = (
        ("import", "geometry and file formats", "geometry"), ("find_spots", "spot finding", "spots"),
        ("index", "indexing", method), ("integrate", "integration", "profiles"),
        ("integrate", "background", "background"), ("combine", "settings of several crystals", "settings"),
        ("combine", "choice of data sets", "left_out"),
        ("symmetry", "symmetry", "symmetry"), ("scale", "scaling", "scaling"), ("scale", "R factors", "statistics"),
        ("estimate_resolution", "resolution limit", "resolution"), ("merge", "amplitudes", "amplitudes"),
        ("merge", "test for twinning", "twinning"), ("damage_analysis", "damage", "damage"),
        ("merge", "MTZ files", "files"),
    )  # fmt: skip
    program = Citation("processing", f"autoproc {summary.get('autoproc_version', '')}".strip())
    return [program, *(Citation(what, REFERENCES[key]) for stage, what, key in methods if stage in done)]


def _is_kept(summary: Mapping[str, Any], stage: str, word: str) -> bool:
    """A decision that stands speaks of something."""
    decisions = summary.get("decisions") or ()
    return any(d["stage"] == stage and d["kept"] and not d["fallen"] and word in d["what"] for d in decisions)
