"""Compiled loops that are older than their sources, as after a pull: what they then say of arguments is misleading."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
SOURCES = PACKAGE.parents[1] / "ext"
"""Beside the package in a working copy only; an installed package has none, and is never stale."""


def stale_kernels(package: Path = PACKAGE, sources: Path = SOURCES) -> list[str]:
    """Names of kernels that are not there, or were compiled before their source was last changed."""
    stale = []
    headers = [path.stat().st_mtime for path in sources.glob("*.h")]  # any kernel may include any
    for source in sorted(sources.glob("*.pyx")):
        compiled = [path.stat().st_mtime for path in package.glob(f"_{source.stem}.*.so")]
        if not compiled or max(compiled) < max(source.stat().st_mtime, *headers, 0.0):
            stale.append(source.stem)
    return stale


def what_stale_kernels_ask_for() -> str:
    """A sentence for an error that they may be the reason of; empty where they are up to date."""
    stale = stale_kernels()
    if not stale:
        return ""
    return f"the compiled kernels ({', '.join(stale)}) are older than their sources: run scripts/build_kernels"
