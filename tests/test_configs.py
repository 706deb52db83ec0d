"""The files to start from, in configs/: they are read, and say what the program does."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

from autoproc.config import Config, read_config

CONFIGS = Path(__file__).resolve().parent.parent / "configs"


def test_the_beamline_configuration_is_read():
    config = read_config(CONFIGS / "beamline.toml")
    assert config.service.on_success == ()
    assert config.import_sweep.min_images == 10
    assert config != Config()


def test_it_is_read_with_what_it_has_commented_out(tmp_path):
    text = (CONFIGS / "beamline.toml").read_text()
    shown = re.sub(r"^( *)# (\[\"|\w+ = )", r"\1\2", text, flags=re.MULTILINE)
    (tmp_path / "all.toml").write_text(shown)
    config = read_config(tmp_path / "all.toml")
    assert len(config.service.on_success) == 2
    assert config.import_sweep.mask == ((1200, 1250, 2463, 1280),)
    assert config.import_sweep.distance == 250


def test_the_unit_waits_longer_than_the_program():
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(CONFIGS / "autoproc.service")
    service = unit["Service"]
    assert int(service["TimeoutStopSec"]) > read_config(CONFIGS / "beamline.toml").service.grace_time
    assert service["KillMode"] == "mixed"
    assert " run " in service["ExecStart"]
    assert "--once" not in service["ExecStart"]


def test_the_pages_configuration_is_read_and_is_that_of_the_unit():
    serve = read_config(CONFIGS / "serve.toml").serve
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(CONFIGS / "autoproc-serve.service")
    service = unit["Service"]
    assert serve.socket is not None
    assert serve.socket.parent == Path("/run") / service["RuntimeDirectory"]
    assert serve.is_on_loopback
    assert " serve " in service["ExecStart"]
    assert service["ExecStart"].endswith("serve.toml")
