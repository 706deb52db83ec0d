"""What the documents tell users to type exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autoproc.cli import app
from autoproc.commands.catalogue import STEPS
from autoproc.config import Config
from autoproc.simulation.params import SimulateParams

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ["README.md", "docs/tutorial.md", "docs/howto.md"]
COMMANDS = {step.name for step in STEPS} | {command.name for command in app.registered_commands}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_parameters_exist(name):
    """table.key=value anywhere, and key=value after a step's name."""
    text = (ROOT / name).read_text(encoding="utf-8")
    tables = Config.model_fields
    for table, key in re.findall(r"\b([a-z_]+)\.([a-z_]+) ?=", text):
        assert table in tables, (table, key)
        assert key in tables[table].annotation.model_fields, (table, key)
    owners = {step.name: step.table for step in STEPS if step.table}
    for command, words in re.findall(r"\bautoproc ([a-z-]+)([^\n`#]*)", text):
        model = SimulateParams if command == "simulate" else None
        if command in owners:
            model = tables[owners[command]].annotation
        for key in re.findall(r"[ \"]([a-z_]+)=", words) if model else []:
            assert key in model.model_fields, (command, key)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_and_links_exist(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"```\w*\n(.*?)```", text, re.DOTALL))
    for command in re.findall(r"^autoproc ([a-z][a-z_-]*)", blocks, re.MULTILINE):
        assert command in COMMANDS, command
    for link in re.findall(r"\]\(([\w./-]+)\)", text):
        assert ((ROOT / name).parent / link).exists(), link
    for script in re.findall(r"scripts/\w+", text):
        assert (ROOT / script).exists(), script
