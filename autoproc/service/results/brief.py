"""What the queue keeps of a summary: what the status table and the lines on the terminal show."""

from __future__ import annotations

from typing import Any

from autoproc.reports.in_group import doubts_left, group_of, verdict_of
from autoproc.wording import VERDICTS, angstrom, first_of

DOUBTFUL = ("look", "bad")
STATISTICS = ("completeness", "multiplicity", "i_over_sigma", "r_meas", "r_pim", "cc_half")


def brief(summary: dict[str, Any]) -> dict[str, Any]:
    """The gist of what summary.json holds; what was kept of earlier results may lack some of it."""
    from autoproc.reports.doubts import doubts_of  # noqa: PLC0415  (those who only show results need no checks)

    ranges = summary.get("merging_statistics") or {}
    overall, inner = ranges.get("overall") or {}, ranges.get("inner") or {}
    crystal = (
        "space_group",
        "unit_cell",
        "n_lattices",
        "d_min",
        "n_images",
        "n_images_used",
        "n_spots",
        "n_without_beam",
    )
    return {
        "status": summary["status"],
        "error": summary.get("error"),
        "error_stage": summary.get("error_stage"),
        "hint": summary.get("error_hint"),
        "retryable": bool(summary.get("error_retryable") or summary.get("lost")),
        "lost": summary.get("lost") or "",
        **(of_group(summary) if "members" in summary else {}),
        "warnings": list(summary.get("warnings", ())),
        "verdict": (summary.get("quality") or {}).get("verdict"),
        "look_at": doubtful(summary),
        "doubts": doubts_of(doubtful_checks(summary)),
        "alternatives": list(summary.get("alternatives") or ()),
        "visit_files": (summary.get("told_by_visit") or {}).get("files"),
        "visit_results": (summary.get("told_by_visit") or {}).get("results_in"),
        **{key: summary.get(key) for key in crystal},
        **{key: finite(overall.get(key)) for key in STATISTICS},
        "r_meas_inner": finite(inner.get("r_meas")),
        "cc_anom": _told(overall),
        "cc_anom_inner": _told(inner),
        "isa": finite(summary.get("isa")),
    }


def _told(of_range: dict[str, Any]) -> float | None:
    """The anomalous correlation, where it is not such as chance gives too; summaries of before do not say."""
    return None if of_range.get("cc_anom_significant") is False else finite(of_range.get("cc_anom"))


def doubtful(summary: dict[str, Any]) -> list[str]:
    """Names of the checks that are not good, the gravest first."""
    return [check["name"] for check in doubtful_checks(summary)]


def doubtful_checks(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """The checks that are not good, the gravest first."""
    checks = (summary.get("quality") or {}).get("checks") or ()
    return [check for verdict in ("bad", "look") for check in checks if check["verdict"] == verdict]


def of_group(summary: dict[str, Any]) -> dict[str, Any]:
    """What else is kept of a group: its sweeps, which suffer, and what is not in its result.

    aside : by sweep, its data sets that are not, and why; left_out : sweeps of which none is
    """
    from autoproc.models.data_set_names import sweep_part  # noqa: PLC0415  (as above)

    aside: dict[str, dict[str, str]] = {}
    rows = summary.get("data_sets") or ()
    inside = {sweep_part(row["name"]) for row in rows if not row["why_aside"]}
    for row in rows:
        if row["why_aside"]:
            aside.setdefault(sweep_part(row["name"]), {})[row["name"]] = row["why_aside"]
    crystals = (summary.get("damage") or {}).get("crystals") or ()
    return {
        "members": summary["members"],
        "aside": aside,
        "left_out": [name for name in aside if name not in inside],
        "suffer": [name for one in crystals if one["suffers"] for name in one["sweeps"]],
    }


def doubts_in_words(result: dict[str, Any]) -> str:
    """Why a light is not green; and of which group its data are part. "" where there is nothing to say."""
    verdict, named = verdict_of(result), first_of(doubts_left(result))
    doubts = f"{VERDICTS[verdict]}: {named}" if verdict in DOUBTFUL and named else ""
    return "; ".join(filter(None, (doubts, group_of(result).get("words"))))


def finite(value: Any) -> float | None:
    """A number as JSON can hold it."""
    return None if value is None or value != value or abs(value) == float("inf") else float(value)  # noqa: PLR0124


def result_line(name: str, result: dict[str, Any]) -> str:
    """A processed sweep in one line; what is not known of it is left out."""
    cell = " ".join(f"{x:.2f}" for x in result.get("unit_cell") or ())
    figures = [
        f"{angstrom(result['d_min'])} A" if result.get("d_min") else "",
        f"{result['completeness']:.1f}% complete" if result.get("completeness") is not None else "",
        f"Rmeas {result['r_meas']:.3f}" if result.get("r_meas") is not None else "",
        f"CC1/2 {result['cc_half']:.3f}" if result.get("cc_half") is not None else "",
        f"{result['n_lattices']} lattices" if (result.get("n_lattices") or 1) > 1 else "",
        f"{VERDICTS['bad'].upper()}, see summary.txt" if verdict_of(result) == "bad" else doubts_in_words(result),
    ]
    return "  ".join([f"{name}: {result.get('space_group') or ''}", cell, *filter(None, figures)])


def failure_lines(name: str, result: dict[str, Any]) -> list[str]:
    """A failed sweep: where, why, what to do. A group that was not combined: why."""
    if result.get("status") == "not_combined":
        return [f"{name}: not combined: {result.get('error')}"]
    where = f" at {result['error_stage']}" if result.get("error_stage") else ""
    lines = [f"{name}: FAILED{where}: {result.get('error')}"]
    lines += [f"    {result['hint']}"] if result.get("hint") else []
    return [*lines, *(f"    warning: {warning}" for warning in result.get("warnings", ()))]
