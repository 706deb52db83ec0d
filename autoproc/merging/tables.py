"""Tables of merging statistics as crystallographers print them."""

from __future__ import annotations

import math
from collections.abc import Collection

from autoproc.merging.merging_statistics import MergingStatistics, ShellStatistics
from autoproc.models.shell_statistics import NOISE
from autoproc.wording import Form, angstrom, written

ROWS: tuple[tuple[str, str, Form], ...] = (
    ("High resolution limit", "d_min", angstrom),
    ("Low resolution limit", "d_max", angstrom),
    ("Completeness", "completeness", "{:.1f}"),
    ("Multiplicity", "multiplicity", "{:.1f}"),
    ("I/sigma", "i_over_sigma", "{:z.1f}"),
    ("Rmerge(I)", "r_merge", "{:.3f}"),
    ("Rmerge(I+/-)", "r_merge_anom", "{:.3f}"),
    ("Rmeas(I)", "r_meas", "{:.3f}"),
    ("Rmeas(I+/-)", "r_meas_anom", "{:.3f}"),
    ("Rpim(I)", "r_pim", "{:.3f}"),
    ("Rpim(I+/-)", "r_pim_anom", "{:.3f}"),
    ("CC half", "cc_half", "{:.3f}"),
    ("Anomalous completeness", "anomalous_completeness", "{:.1f}"),
    ("Anomalous multiplicity", "anomalous_multiplicity", "{:.1f}"),
    ("Anomalous correlation", "cc_anom", "{:.3f}"),
    ("Anomalous slope", "anomalous_slope", "{:.3f}"),
    ("dF/F", "df_over_f", "{:.3f}"),
    ("dI/s(dI)", "di_over_sigma_di", "{:.3f}"),
    ("Total observations", "n_observations", "{:d}"),
    ("Total unique", "n_unique", "{:d}"),
)
TITLE = "-------------Summary of merging statistics--------------"
SHELL_TITLE = "----------Merging statistics by resolution bin----------"
OF_NOISE = f"R factors in brackets are of noise, mean I/sigma below {NOISE:g}: they tell nothing."
BY_CHANCE = "Anomalous correlations in brackets are not significant at the 1% level: chance gives such to so few pairs."
NAMES = (
    "Overall: all shells; Low and High: the first and the last one. Rmeas without more is that of Overall, Rmeas at "
    "low resolution that of Low. (I): I(+) and I(-) are taken for equivalents; (I+/-): they are kept apart. Free "
    "Rmeas, of decisions, is that of reflections held out of scaling."
)
"""What the names mean that every table, page and message uses."""


def format_table_one(statistics: MergingStatistics, suggested: MergingStatistics | None = None) -> str:
    """Table 1: the rows of the tutorials, with columns Overall, Low and High.

    suggested : statistics to a resolution limit; then the columns are Suggested, Low, High (of these) and Overall.
    """
    inside = suggested or statistics
    columns = [("Overall", inside.overall), ("Low", inside.inner), ("High", inside.outer)]
    if suggested is not None:
        columns = [("Suggested", inside.overall), *columns[1:], ("Overall", statistics.overall)]
    width = 11 if suggested is not None else 8
    lines = [f"            {TITLE}", "", " " * 44 + "".join(f"{name:>{width}}" for name, _ in columns)]
    for label, field, form in ROWS:
        sources = [inside] if hasattr(inside, field) else [shell for _, shell in columns]
        lines.append(f"{label:<44}" + "".join(f"{figure_of(s, field, form):>{width}}" for s in sources))
    lines += notes([shell for _, shell in columns])
    return "\n".join(line.rstrip() for line in lines) + "\n"


def format_shells(statistics: MergingStatistics) -> str:
    """One line for each resolution shell, and one for all; an asterisk marks significant correlations."""
    header = (
        " d_max  d_min   #obs  #uniq   mult.  %comp       <I>  <I/sI>"
        "    r_mrg   r_meas    r_pim   r_anom   cc1/2   cc_ano"
    )
    lines = [f"            {SHELL_TITLE}", "", header]
    lines += [_shell_line(shell) for shell in (*statistics.shells, statistics.overall)]
    if any(map(has_brackets, statistics.shells)):
        lines.append(OF_NOISE)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _shell_line(s: ShellStatistics) -> str:
    def field(value: float | None, form: Form, width: int) -> str:
        return f"{_text(value, form):>{width}}"

    def marked(value: float | None, significant: bool) -> str:
        return field(value, "{:.3f}", 8) + ("*" if significant else " ")

    r_factors = "".join(f"{figure_of(s, name, '{:.3f}'):>9}" for name in ("r_merge", "r_meas", "r_pim", "r_anom"))
    return (
        f"{angstrom(s.d_max):>6} {angstrom(s.d_min):>6} {s.n_observations:6d} {s.n_unique:6d} {s.multiplicity:7.2f} "
        f"{s.completeness:6.2f} {field(s.mean_intensity, '{:z.1f}', 9)} {field(s.i_over_sigma, '{:z.1f}', 7)}"
        f"{r_factors}{marked(s.cc_half, s.cc_half_significant)}{marked(s.cc_anom, s.cc_anom_significant)}"
    )


def figure_of(source: object, field: str, form: Form, none: str = "-") -> str:
    """A figure of a shell, or of all statistics, as tables write it; what tells nothing is in brackets."""
    value = getattr(source, field)
    if value is None or not math.isfinite(value):
        return none
    is_noise = field.startswith("r_") and getattr(source, "is_noise", False)
    is_chance = field == "cc_anom" and not getattr(source, "cc_anom_significant", True)
    return f"({written(value, form)})" if is_noise or is_chance else written(value, form)


def notes(shells: Collection[ShellStatistics]) -> list[str]:
    """What the brackets mean that figure_of puts around some figures of these."""
    is_chance = any(shell.cc_anom is not None and not shell.cc_anom_significant for shell in shells)
    return [OF_NOISE] * any(map(has_brackets, shells)) + [BY_CHANCE] * is_chance


def has_brackets(shell: ShellStatistics) -> bool:
    """Some of its R factors are in brackets; of the weakest noise there are none at all."""
    return shell.is_noise and any(r is not None for r in (shell.r_merge, shell.r_meas, shell.r_pim, shell.r_anom))


def _text(value: float | int | None, form: Form) -> str:
    return "-" if value is None else written(value, form)
