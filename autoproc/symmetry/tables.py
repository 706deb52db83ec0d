"""Text tables ruled as crystallographers know them from their programs."""

from __future__ import annotations

from collections.abc import Sequence


def ruled_table(header: Sequence[str], rows: Sequence[Sequence[object]], left: Sequence[int] = ()) -> str:
    """A table with a rule above, below and under the header; columns are right-aligned but those in `left`."""
    cells = [[_text(value) for value in row] for row in rows]
    widths = [max([len(h) + 2, *(len(row[n]) for row in cells)]) for n, h in enumerate(header)]

    def line(values: Sequence[str]) -> str:
        padded = [v.ljust(w) if n in left else v.rjust(w) for n, (v, w) in enumerate(zip(values, widths, strict=True))]
        return "| " + " | ".join(padded) + " |"

    dashes = ["-" * (w + 2) for w in widths]
    edge = "+" + "+".join(dashes) + "+"
    under = "|" + "+".join(dashes) + "|"
    return "\n".join([edge, line(header), under, *map(line, cells), edge])


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".") if value else "0"
    return str(value)
