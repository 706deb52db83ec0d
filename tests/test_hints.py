"""Every advice is something to do, with parameters and commands that exist."""

from __future__ import annotations

import errno
import importlib
import pkgutil
import re

import pytest

import autoproc
from autoproc.cli import app
from autoproc.config import Config, with_command_line
from autoproc.engine.plan import NotWorthwhile
from autoproc.engine.rescue import AxisStands, BeamCentreStands
from autoproc.errors import AutoprocError, BadHeader, NoReflections
from autoproc.passing import remedy
from autoproc.reports import summary
from autoproc.reports.summary import Failure, summarise, with_way_on

INSIDE = (NotWorthwhile, BeamCentreStands, AxisStands)
"""Why something that was tried is not kept: told among the decisions, and no failure."""
VALUES = {"NUMBER": "3", "FIRST": "1", "LAST": "9", "FAST": "100.5", "SLOW": "99", "MM": "200", "ANGSTROM": "0.98",
          "START": "0", "WIDTH": "0.5", "NAME": "P212121", "ALPHA": "90", "BETA": "90", "GAMMA": "90", "A": "50",
          "B": "60", "C": "70"}  # fmt: skip
"""For the words in capitals that stand for values."""


def every_error() -> list[type[AutoprocError]]:
    for module in pkgutil.walk_packages(autoproc.__path__, "autoproc."):
        if not module.name.endswith("__main__") and "kernels._" not in module.name:
            importlib.import_module(module.name)
    found, todo = [], [AutoprocError]
    while todo:
        kind = todo.pop()
        todo += kind.__subclasses__()
        if kind.__module__.startswith("autoproc.") and kind.what != AutoprocError.what:
            found.append(kind)
    return sorted(set(found), key=lambda k: k.__name__)


ERRORS = every_error()


def advice_of(kind: type[AutoprocError]) -> str:
    """The template, with the usual advice where an error brings its own."""
    return NoReflections.usual if kind is NoReflections else kind.hint


def filled(text: str) -> str:
    return re.sub(r"\b[A-Z]+\b", lambda word: VALUES.get(word[0], word[0]), text)


def parameters_in(text: str) -> list[str]:
    return re.findall(r"(?<![\w.])([a-z_]+\.[a-z_]+=[^\s;:()`]*[^\s;:()`,.])", filled(text))


@pytest.mark.parametrize("kind", ERRORS, ids=lambda k: k.__name__)
def test_every_error_says_what_to_do(kind):
    assert kind.__doc__
    assert (kind in INSIDE) or len(advice_of(kind)) >= len("{to_do}")


TEXTS = {kind.__name__: advice_of(kind) for kind in ERRORS} | {
    "memory": summary.MEMORY, "unforeseen": summary.UNFORESEEN,
    **{f"errno {n}": remedy(OSError(n, "")) for n in (errno.ENOSPC, errno.EACCES, errno.EMFILE, errno.EIO)},
}  # fmt: skip


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_is_to_be_given_is_taken(text):
    for parameter in parameters_in(text):
        key, _, value = parameter.partition("=")
        with_command_line(Config(), {key: value})


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_commands_exist(text):
    known = {command.name for command in app.registered_commands}
    for command in re.findall(r"`autoproc ([a-z-]+)", text):
        assert command in known, command


def test_parameters_are_found_in_these_texts():
    assert parameters_in("try a.b=1,2, or c.d_e=FAST,SLOW (px); x.y=none") == ["a.b=1,2", "c.d_e=100.5,99", "x.y=none"]
    assert sum(map(len, map(parameters_in, TEXTS.values()))) > 15


def test_a_header_that_no_parameter_replaces_says_so():
    assert "no parameter" in BadHeader(path="x", field="geometry", value="odd").advice
    assert BadHeader(path="x", field="f", value="0", override="distance=200").advice.endswith(
        "for example distance=200"
    )


def test_nothing_left_has_the_advice_of_who_found_it():
    assert NoReflections("collect more", stage="symmetry", reason="1").advice == "collect more"
    assert "limits" in NoReflections(stage="symmetry", reason="1").advice


@pytest.mark.parametrize(
    ("hint", "ends"),
    [
        ("index.max_lattices=2 helps", "; parameters go into `autoproc reprocess 'my sweep' KEY=VALUE`"),
        ("give distance=200 (mm)", "KEY=VALUE`"),
        ("look at an image", "look at an image"),
        ("start `autoproc run` with service.n_workers=1", "n_workers=1"),
        ("`autoproc reprocess x import_sweep.image_range=1,2`", "image_range=1,2`"),
        ("", ""),
    ],
)
def test_an_advice_with_parameters_says_where_they_go(hint, ends):
    assert with_way_on(hint, "my sweep").endswith(ends)
    assert summarise("my sweep", None, Failure("index", "no", hint))["error_hint"] == with_way_on(hint, "my sweep")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/out/x"), "make room"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "make room"),
        (PermissionError(errno.EACCES, "Permission denied", "/out/x"), "writable for this user"),
        (OSError(errno.EMFILE, "Too many open files"), "service.n_workers=1"),
        (OSError(errno.EIO, "Input/output error"), "is there and sound"),
        (MemoryError("4 GB"), "run.frame_cache=0"),
        (TypeError("None"), "send autoproc.log"),
    ],
)
def test_a_full_disk_is_not_a_closed_one(error, words):
    failure = Failure.of("output", error)
    assert words in failure.hint
    assert ("make room" in failure.hint) == (words == "make room")
