"""What fields mean is read from their docstrings, only where somebody asks."""

from __future__ import annotations

import ast
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from autoproc.params import Params, _docstrings, meanings


class Given(Params):
    """A table."""

    d_min: float | None = None
    """High-resolution limit,
    Angstrom."""
    undescribed: int = 1
    n_bins: int = 20
    """Shells of \"equal\" volume."""


class More(Given):
    """One with another field, and one that it explains anew."""

    n_bins: int = 10
    """Fewer shells."""
    method: str = "fft"
    """How."""


def test_each_field_with_a_docstring_has_a_meaning():
    assert meanings(Given) == {
        "d_min": "High-resolution limit, Angstrom.", "n_bins": 'Shells of "equal" volume.',
    }  # fmt: skip


def test_fields_of_the_table_that_it_extends_keep_theirs():
    assert meanings(More) == {
        "d_min": "High-resolution limit, Angstrom.", "n_bins": "Fewer shells.", "method": "How.",
    }  # fmt: skip


def test_sources_are_not_read_when_the_program_begins():
    code = (
        "import inspect; inspect.getsource = inspect.getsourcelines = inspect.findsource = None; "
        "from autoproc.config import Config; Config()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_several_threads_may_ask_at_once(monkeypatch):
    """As pages do: Python 3.11 itself loses count where two parse at once."""
    parsing, at_once = [], []

    def parse(source, real=ast.parse):
        parsing.append(source)
        at_once.append(len(parsing))
        time.sleep(0.005)
        parsing.remove(source)
        return real(source)

    monkeypatch.setattr(ast, "parse", parse)
    _docstrings.cache_clear()
    with ThreadPoolExecutor(4) as threads:
        told = list(threads.map(meanings, [Given, More] * 4))
    assert told == [meanings(Given), meanings(More)] * 4
    assert set(at_once) == {1}
