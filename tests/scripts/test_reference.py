from __future__ import annotations

import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

from autoproc.spellings.dials_parameters import BY_STEP

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "write_reference"


@pytest.fixture(scope="module")
def script():
    loader = SourceFileLoader("write_reference", str(SCRIPT))
    module = module_from_spec(spec_from_loader(loader.name, loader))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPT.parent))
        loader.exec_module(module)
    sys.modules.pop("installed", None)
    return module


def test_the_page_of_parameters_is_up_to_date(script):
    assert script.PAGE.read_text(encoding="utf-8") == script.reference(), "run scripts/write_reference"


def test_the_page_for_those_who_know_dials_is_up_to_date(script):
    assert script.FROM_DIALS.read_text(encoding="utf-8") == script.from_dials(), "run scripts/write_reference"


def test_every_spelling_has_a_row(script):
    page = script.from_dials()
    for spellings in BY_STEP.values():
        assert all(f"| `{s.path}` |" in page for s in spellings)
