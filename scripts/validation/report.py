"""What is printed: sections, tables, and checks that hold or fail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class Report:
    """Prints as it goes, and counts what failed."""

    def __init__(self) -> None:
        self.failures: list[str] = []
        self._section = ""

    def section(self, title: str) -> None:
        """Begin a part."""
        self._section = title
        print(f"\n{title}\n{'=' * len(title)}", flush=True)

    def say(self, text: str = "") -> None:
        """Print something that is neither right nor wrong."""
        print(text, flush=True)

    def check(self, holds: bool, text: str) -> bool:
        """Print a requirement and whether it holds."""
        print(f"  {'ok  ' if holds else 'FAIL'}  {text}", flush=True)
        if not holds:
            self.failures.append(f"{self._section}: {text}")
        return holds

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Columns as wide as they need, the first to the left."""
        body = [list(row) for row in rows]
        widths = [max(len(line[n]) for line in [list(head), *body]) for n in range(len(head))]
        for line in [list(head), *body]:
            first, *others = (
                cell.ljust(width) if n == 0 else cell.rjust(width)
                for n, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
            print("  " + "  ".join([first, *others]), flush=True)

    def conclude(self) -> int:
        """Say what failed; 1 if anything did."""
        print(f"\n{len(self.failures)} of the requirements fail" if self.failures else "\nAll requirements hold")
        for failure in self.failures:
            print(f"  FAIL  {failure}")
        return int(bool(self.failures))
