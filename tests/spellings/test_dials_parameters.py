from __future__ import annotations

import re

import pytest

from autoproc.commands.catalogue import STEPS
from autoproc.commands.elsewhere import ELSEWHERE
from autoproc.config import Config, fields_of_tables
from autoproc.spellings.dials_parameters import ANY_STEP, BY_STEP, WHERE_FILES_GO
from autoproc.spellings.spelling import Spelling, image_ranges, one_in, resolution_limits, several, unquoted

EVERY = [(step, s) for step, spellings in [*BY_STEP.items(), ("any", ANY_STEP)] for s in spellings]
FIELDS = fields_of_tables()


def test_steps_have_the_names_of_their_commands():
    assert set(BY_STEP) <= {step.name for step in STEPS if step.table}


def test_what_a_parameter_is_here_exists():
    """Of tables within tables the first field."""
    parts = [(s.path, *name.split(".")[:2]) for _, s in EVERY for name in s.fields]
    assert [path for path, table, field in parts if field not in FIELDS[table]] == []


def test_what_is_not_taken_is_answered():
    assert [s.path for _, s in EVERY if not (s.ours or s.instead or s.fine)] == []
    assert [s.path for _, s in EVERY if any(value != value.lower() for value in s.fine)] == []


def test_no_parameter_is_there_twice():
    for step, spellings in BY_STEP.items():
        paths = [s.path for s in spellings]
        assert sorted(set(paths)) == sorted(paths), step


def parameters_named_in(text: str) -> list[str]:
    return [name.rpartition(".")[2] for name in re.findall(r"([a-z_][\w.]*)=", text)]


ANSWERS = {
    **{f"{step} {s.path}": s.instead for step, s in EVERY},
    **{s.path: s.instead for s in WHERE_FILES_GO},
    **ELSEWHERE,
}


def test_answers_name_parameters_that_exist():
    dials = {s.path.rpartition(".")[2] for _, s in EVERY}
    known = {name for fields in FIELDS.values() for name in fields} | dials
    assert [name for name, text in ANSWERS.items() if set(parameters_named_in(text)) - known] == []


def test_answers_name_commands_that_exist():
    known = {step.name for step in STEPS} | {"run", "report", "show", "config", "view"}
    prose = {"has", "or", "measures", "prints", "runs", "does"}
    named = {c for text in ANSWERS.values() for c in re.findall(r"autoproc ([a-z][a-z-]+)", text)}
    assert named - prose <= known
    assert len(named & known) > 5


def test_what_is_done_anyway_is_the_default():
    """Where a value that changes nothing could be converted, it is the one that is there already."""
    for spelling in [s for _, s in EVERY if len(s.fields) == 1]:
        table, field = spelling.ours.split(".")[:2]
        default = getattr(getattr(Config(), table), field)
        for value in spelling.fine:
            parts = spelling.convert(value)
            assert parts is None or parts[0] in (value, str(default).lower()), (spelling.path, value)


@pytest.mark.parametrize(
    ("convert", "text", "parts"),
    [
        (several(2, (1, 0)), "1053.5,1100", ("1100,1053.5",)),
        (several(2, (1, 0)), "(1, 2)", ("2,1",)),
        (several(2, (0, 1)), "0,1,2", ("1,2",)),
        (several(2, (0, 1)), "3,1,2", None),
        (several(2, (0, 1)), "1", None),
        (resolution_limits, "50, 2.1", ("50", "2.1")),
        (resolution_limits, "2.1 50", ("50", "2.1")),
        (resolution_limits, "high,low", None),
        (image_ranges, "0:100:200", ("100-200",)),
        (image_ranges, "0:1:5,0:7:9", ("1-5,7-9",)),
        (image_ranges, "7,20-25", ("7,20-25",)),
        (image_ranges, "1:1:5", None),
        (one_in, "0.05", ("20",)),
        (one_in, "0", None),
    ],
)
def test_values_are_read_as_dials_writes_them(convert, text, parts):
    assert convert(text) == parts


@pytest.mark.parametrize(
    ("text", "value"),
    [("profile sum *combine", "combine"), ("'x y'", "x y"), ("Auto", "Auto"), ("*a *b", "*a *b"), ("", "")],
)
def test_choices_with_a_star(text, value):
    assert unquoted(text) == value


def test_a_spelling_lists_its_fields():
    assert Spelling("a.b", "x.y,x.z").fields == ("x.y", "x.z")
    assert Spelling("a.b").fields == ()
