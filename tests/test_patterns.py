"""Every pattern of the program takes a time in proportion to the text that it is tried on, whoever wrote the text."""

from __future__ import annotations

import ast
import importlib
import re
import time
from pathlib import Path

import pytest

import autoproc

ROOT = Path(autoproc.__file__).parent
ANCHORED = ("match", "fullmatch")
METHODS = {"compile", "match", "search", "fullmatch", "findall", "finditer", "sub", "split", "subn"}
UNITS = (
    *' \t\n#1-._a=:"(\\', "\x00", "é", "#\n", "# ", "#a", "1.", "1e", "a ", "A-", "()", " sensor,", "S/N ", "mm", "nil",
)  # fmt: skip


def patterns() -> list[tuple[str, str, str]]:
    """Where, how and what: the first argument of every call of re, with the names of its module filled in."""
    sources = "".join(path.read_text() for path in ROOT.rglob("*.py"))
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        lines = path.read_text().splitlines()
        for node in ast.walk(ast.parse(path.read_text())):
            function = node.func if isinstance(node, ast.Call) else None
            if (
                isinstance(function, ast.Attribute)
                and function.attr in METHODS
                and isinstance(function.value, ast.Name)
                and function.value.id == "re"
            ):
                how = function.attr if function.attr in ANCHORED else "search"
                name = re.match(r"(\w+) = re\.compile\(", lines[node.lineno - 1])
                if name and not re.search(rf"\b{name.group(1)}\.(?!match|fullmatch)\w+\(", sources):
                    how = "fullmatch"
                found.append((f"{path.relative_to(ROOT)}:{node.lineno}", how, text_of(path, node.args[0])))
    return found


def text_of(path: Path, node: ast.expr) -> str:
    """A pattern as it is compiled; what only a running function knows is taken as a name of a file with a counter."""
    module = importlib.import_module(".".join(("autoproc", *path.relative_to(ROOT).with_suffix("").parts)))
    known = {"before": "x_", "after": ".cbf", "width": 4} | vars(module)
    value = eval(compile(ast.Expression(node), str(path), "eval"), known)
    pattern = value.pattern if isinstance(value, re.Pattern) else value
    return pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern


def hostile(pattern: str, n: int) -> list[str]:
    """Texts of about n characters: repeated units, alone and after what the pattern begins with, with a bad end."""
    words = re.findall(r"[A-Za-z#_]{2,}", pattern)[:2]
    units = (*UNITS, *words)
    return [start + unit * (n // len(unit)) + "!" for start in ("", "#", "#a", *words) for unit in units]


def seconds(pattern: re.Pattern[str], how: str, text: str) -> float:
    began = time.process_time()
    getattr(pattern, how)(text)
    return time.process_time() - began


def is_linear(pattern: str, how: str = "search") -> bool:
    """Four times the text takes about four times as long, wherever it takes long enough to be measured.

    Short texts first: on long ones a bad pattern takes hours.
    """
    compiled = re.compile(pattern, re.MULTILINE | re.IGNORECASE)
    for size in (50, 200, 800):
        for short, long in zip(hostile(pattern, size), hostile(pattern, 4 * size), strict=True):
            if seconds(compiled, how, long) > 2e-3 and ratio(compiled, how, short, long) > 9:
                return False
    return True


def ratio(pattern: re.Pattern[str], how: str, short: str, long: str) -> float:
    after, before = (min(seconds(pattern, how, text) for _ in range(3)) for text in (long, short))
    return after / max(before, 1e-4)


def test_there_are_patterns():
    assert len(patterns()) > 20


@pytest.mark.parametrize(("how", "pattern"), sorted({(how, text) for _, how, text in patterns()}))
def test_time_grows_with_the_text(how, pattern):
    assert is_linear(pattern, how), [where for where, _, text in patterns() if text == pattern]


@pytest.mark.parametrize(
    "pattern",
    [r"#\s*(.+?)\s+sensor,", r"[-+]?(?:\d+\.?\d*|\.\d+)\s*(mm|um|m)\b", r"\W*(?:nil|0)?\W*x", "#+x"],
)
def test_patterns_that_are_not_so_are_told(pattern):
    assert not is_linear(pattern)
