"""Text tables ruled as crystallographers know them from their programs."""

from __future__ import annotations

from collections.abc import Sequence

from autoproc.legible import legible


def ruled_table(
    header: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    units: Sequence[str] = (),
    left: Sequence[int] = (),
) -> str:
    """A table with a rule above, below and under the header; columns are right-aligned but those in `left`.

    units : a second line of the header; numbers that are floats are written with up to three decimals
    """
    cells = [[_text(value) for value in row] for row in rows]
    heads = [header, units] if units else [header]
    widths = [max([len(name) + 2, *(len(line[n]) for line in (*heads, *cells))]) for n, name in enumerate(header)]

    def line(values: Sequence[str]) -> str:
        padded = [v.ljust(w) if n in left else v.rjust(w) for n, (v, w) in enumerate(zip(values, widths, strict=True))]
        return "| " + " | ".join(padded) + " |"

    dashes = "+".join("-" * (w + 2) for w in widths)
    return "\n".join([f"+{dashes}+", *map(line, heads), f"|{dashes}|", *map(line, cells), f"+{dashes}+"])


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".") if value else "0"
    return legible(value)
