from __future__ import annotations

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "write_reference"


def test_the_page_of_parameters_is_up_to_date():
    loader = SourceFileLoader("write_reference", str(SCRIPT))
    module = module_from_spec(spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.reference(), "run scripts/write_reference"
