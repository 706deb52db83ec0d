"""The interpreters that wheels are built for, and what each needs before anything is built."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

OLDEST = (3, 11)
SUPPORTED = ("python3.11", "python3.12", "python3.13")
"""Those that pyproject.toml declares."""
PROBE = """
import json, sys, sysconfig
try:
    import ensurepip, venv
    has_venv = True
except ImportError:
    has_venv = False
print(json.dumps({"version": sys.version_info[:2], "has_venv": has_venv, "compiler": sysconfig.get_config_var("CC"),
                  "header": sysconfig.get_path("include") + "/Python.h"}))
"""


class CannotBuild(Exception):
    """What is in the way, and what to do about it, in words for whoever builds."""


@dataclass(frozen=True)
class Interpreter:
    """A Python as it described itself."""

    command: str
    """Its path."""
    version: tuple[int, int]
    has_venv: bool
    compiler: str
    """Command of the C compiler that builds its extension modules."""
    header: Path
    """Python.h, whether it is there or not."""

    @property
    def tag(self) -> str:
        """As wheels name it: cp311."""
        return f"cp{self.version[0]}{self.version[1]}"

    @property
    def name(self) -> str:
        return f"Python {self.version[0]}.{self.version[1]} ({self.command})"

    def demand(self) -> None:
        """Raise CannotBuild, with all that is in the way of building for it."""
        package = f"python{self.version[0]}.{self.version[1]}"
        lacks = []
        if self.version < OLDEST:
            lacks.append("autoproc needs Python 3.11 or later")
        if not self.has_venv:
            lacks.append(f"it cannot make virtual environments: apt install {package}-venv")
        if shutil.which(shlex.split(self.compiler)[0]) is None:
            lacks.append(f"there is no C compiler ({self.compiler}): apt install gcc, or name one with CC=")
        if not self.header.exists():
            lacks.append(f"its headers are not there ({self.header}): apt install {package}-dev")
        if lacks:
            raise CannotBuild("\n    ".join([f"no wheel can be built for {self.name}:", *lacks]))


def described(command: str, environment: Mapping[str, str]) -> Interpreter:
    """Ask an interpreter about itself. Raises CannotBuild where it is none."""
    path = shutil.which(command)
    if path is None:
        raise CannotBuild(f"there is no {command}")
    done = subprocess.run([path, "-c", PROBE], capture_output=True, text=True, check=False, env=dict(environment))
    try:
        said = json.loads(done.stdout)
    except ValueError:
        raise CannotBuild(f"{path} is no Python that runs: {(done.stderr or done.stdout).strip()[-300:]}") from None
    compiler = environment.get("CC") or said["compiler"] or "cc"
    major, minor = said["version"]
    return Interpreter(path, (major, minor), said["has_venv"], compiler, Path(said["header"]))


def chosen(named: Iterable[str], environment: Mapping[str, str]) -> list[Interpreter]:
    """Those named; else the one that runs and the supported ones that are found. The first of each version."""
    named = list(named)
    found: dict[tuple[int, int], Interpreter] = {}
    for command in named or (sys.executable, *SUPPORTED):
        try:
            interpreter = described(command, environment)
        except CannotBuild:
            if named:
                raise
            continue
        found.setdefault(interpreter.version, interpreter)
    return list(found.values())
