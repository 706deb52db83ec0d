"""What the tutorial quotes is compared with what the demonstration prints, by a script; and what README says of it."""

from __future__ import annotations

import re
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

from autoproc.commands.simulate import PRESETS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    loader = SourceFileLoader("quoted_lines", str(ROOT / "scripts" / "quoted_lines"))
    module = module_from_spec(spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


QUOTED = """Words with 7 numbers.
```
$ autoproc run x
x: 1.79 A   97.5% complete  time 20 s
QUALITY   good: nothing unusual in ... checks
...
| 1 |  0.963 |
```
```
of another sweep: 3
```
"""


def test_a_figure_that_is_printed_otherwise_is_found(script):
    printed = "x: 1.79 A  97.5% complete time 3 min\nQUALITY good: nothing\n unusual in 26 checks\n| 1 | 0.963 |"
    assert script.unprinted(QUOTED, printed) == ([], 1)
    assert script.unprinted(QUOTED, printed.replace("0.963", "0.964")) == (["| 1 |  0.963 |"], 1)


def test_the_steps_are_those_of_the_tutorial(script):
    tutorial = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    for command in script.STEPS:
        assert f"autoproc {command}" in tutorial, command


def test_the_presets_are_as_readme_has_them():
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    told = dict(re.findall(r"`(\w+)` \((\d+) images", readme))
    assert set(told) == set(PRESETS)
    assert {name: int(n) for name, n in told.items()} == {name: PRESETS[name]().n_images for name in told}
