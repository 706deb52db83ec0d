"""A wheel installed and run where no compiler is found."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from wheels.building import ROOT, environment_of, run
from wheels.interpreters import CannotBuild, Interpreter

COMPILERS = ("cc", "gcc", "g++", "c++", "clang", "ld", "as")
TESTING = ("pytest>=8", "hypothesis>=6.100")
WHERE = "import autoproc.kernels._predict; print(autoproc.__file__)"


def without_compiler(programs: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """An environment whose programs are those of a virtual environment alone, and whose compiler fails."""
    found = [name for name in COMPILERS if (programs / name).exists()]
    if found:
        raise CannotBuild(f"{programs} has a compiler: {', '.join(found)}")
    kept = {name: value for name, value in environment.items() if not name.startswith("PYTHON")}
    return kept | {"PATH": str(programs), "CC": "/bin/false", "CXX": "/bin/false"}


def try_out(interpreter: Interpreter, wheel: Path, scratch: Path, tests: Iterable[str]) -> list[str]:
    """Install the wheel, process a simulated sweep and run tests of this folder with it; what came of each."""
    programs = environment_of(interpreter, scratch / "environment")
    bare = without_compiler(programs, os.environ)
    python, autoproc = programs / "python", programs / "autoproc"
    images, processed = scratch / "images", scratch / "processed"
    run(
        "installing the wheel without a compiler",
        [python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", wheel, *TESTING], bare, scratch,
    )  # fmt: skip
    where = Path(run("importing the kernels", [python, "-P", "-c", WHERE], bare, scratch).strip())
    if not where.is_relative_to(programs.parent):
        raise CannotBuild(f"not the installed package was tried, but {where}")
    begun = time.monotonic()
    run("autoproc simulate", [autoproc, "simulate", "small", "--output", images], bare, scratch)
    run("autoproc run", [autoproc, "run", images, "--once", "--output", processed], bare, scratch)
    merged = sorted(path.relative_to(processed) for path in processed.glob("*/merged.mtz"))
    if not merged:
        raise CannotBuild("autoproc run left no merged.mtz")
    said = [f"simulated and processed: {', '.join(map(str, merged))} ({time.monotonic() - begun:.0f} s)"]
    for test in tests:
        testing = [python, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", ROOT / "pyproject.toml"]
        output = run(f"pytest {test}", [*testing, f"--rootdir={ROOT}", ROOT / test], bare, scratch)
        said.append(f"{test}: {output.splitlines()[-1].strip('= ')}")
    return said
