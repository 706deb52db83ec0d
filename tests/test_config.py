from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autoproc.cli import app
from autoproc.config import (
    BadConfiguration,
    Config,
    UnreadableConfiguration,
    change_table,
    format_config,
    read_config,
    tables,
    with_command_line,
    with_threads,
)
from autoproc.overrides import BadParameter, UnknownParameter
from autoproc.params import Params, meanings


def written(tmp_path, text):
    path = tmp_path / "autoproc.toml"
    path.write_text(text)
    return path


def test_what_is_printed_is_read_back(tmp_path):
    config = with_command_line(
        Config(),
        {
            "scale.d_min": "1.85",
            "index.unit_cell": "78,78,38,90,90,90",
            "mask": "0,0,5,5;7,7,9,9",
            "image_range": "3,9",
            "run.n_threads": "3",
            "integrate.shadow.is_enabled": "false",
        },
    )
    assert read_config(written(tmp_path, format_config(config))) == config
    assert config.import_sweep.mask == ((0, 0, 5, 5), (7, 7, 9, 9))
    assert not config.integrate.shadow.is_enabled


def test_the_defaults_are_printed_whole_and_read_back(tmp_path):
    text = format_config(Config())
    assert read_config(written(tmp_path, text)) == Config()
    printed = tomllib.loads(text)
    for name, params in tables(Config()):
        for field, value in params:
            assert field in printed[name] or f"# {field} = (none)" in text, f"{name}.{field}"
            assert value is None or field in printed[name]


def documented(name: str, params: Params) -> list[str]:
    lacking: list[str] = []
    meaning = meanings(type(params))
    for field in type(params).model_fields:
        value = getattr(params, field)
        lacking += documented(f"{name}.{field}", value) if isinstance(value, Params) else []
        lacking += [] if meaning.get(field) else [f"{name}.{field}"]
    return lacking


def test_every_parameter_says_what_it_means():
    assert not [field for name, params in tables(Config()) for field in documented(name, params)]


def test_one_table_alone():
    text = format_config(Config(), "integrate")
    assert list(tomllib.loads(text)) == ["integrate"]
    assert "[integrate.shadow]" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[indx]\nmax_lattices = 2", r"no parameter \[indx\].*did you mean index"),
        ("[index]\nmax_latices = 2", "no parameter index.max_latices.*did you mean index.max_lattices"),
        (
            "[integrate.shadow]\nis_enable = true",
            "integrate.shadow.is_enable.*did you mean integrate.shadow.is_enabled",
        ),
        ("[integrate]\nshadow = 3", "integrate.shadow.*it is a table"),
        ("max_lattices = 2", r"parameters stand in tables such as \[index\]"),
    ],
)
def test_unknown_keys_name_the_nearest(tmp_path, text, message):
    with pytest.raises(UnknownParameter, match=message):
        read_config(written(tmp_path, text))


@pytest.mark.parametrize("text", ["[index]\nmax_lattices = 'two'", "[import_sweep]\nwavelength = -1.0"])
def test_impossible_values(tmp_path, text):
    with pytest.raises(BadParameter, match="is not possible"):
        read_config(written(tmp_path, text))


def test_files_that_are_no_configuration(tmp_path):
    with pytest.raises(BadConfiguration, match="is not valid TOML"):
        read_config(written(tmp_path, "images/*.cbf"))
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadConfiguration):
        read_config(tmp_path / "binary.toml")
    with pytest.raises(UnreadableConfiguration, match="gone.toml"):
        read_config(tmp_path / "gone.toml")


def test_the_command_line_finds_the_table():
    config = with_command_line(Config(), {"max_lattices": "2", "scale.d_min": "1.5"})
    assert (config.index.max_lattices, config.scale.d_min) == (2, 1.5)
    assert with_command_line(Config(), {"d_min": "1.5"}).scale.d_min == 1.5, "that of the data is meant"
    with pytest.raises(UnknownParameter, match=r"min_cell.*say which: .*index.min_cell"):
        with_command_line(Config(), {"min_cell": "1.5"})
    with pytest.raises(UnknownParameter, match=r"did you mean index\.max_lattices"):
        with_command_line(Config(), {"max_latices": "2"})


def test_parameters_that_contradict_each_other_are_refused():
    with pytest.raises(BadParameter, match="first <= last"):
        with_command_line(Config(), {"image_range": "9,1"})


def test_threads():
    assert with_threads(Config(), None).run.n_threads == 0
    assert with_threads(Config(), 2).run.n_threads == 2
    with pytest.raises(BadParameter):
        change_table(Config(), "run", {"n_threads": -1})


def test_the_simulations_parameters_are_shown_too():
    outcome = CliRunner().invoke(app, ["config", "simulate"])
    assert outcome.exit_code == 0
    assert "second_lattice" in outcome.output
    assert "[simulate]" in outcome.output


def test_a_pipe_is_no_configuration(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(UnreadableConfiguration, match="it is a pipe"):
        read_config(tmp_path / "pipe.toml")


def test_a_file_without_end_is_no_configuration():
    with pytest.raises(BadConfiguration, match="more than 1048576 bytes"):
        read_config(Path("/dev/zero"))
    assert read_config(Path("/dev/null")) == Config()


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e400"])
def test_parameters_are_finite(value):
    for key in ("scale.d_min", "import_sweep.distance", "find_spots.d_min"):
        with pytest.raises(BadParameter, match=key):
            with_command_line(Config(), {key: value})


@pytest.mark.parametrize("order", [1, -1])
def test_values_that_need_each_other_come_in_any_order(order):
    given_values = [("serve.host", "0.0.0.0"), ("serve.proxy", "10.0.0.1")][::order]
    serve = with_command_line(Config(), dict(given_values)).serve
    assert (serve.host, serve.proxy) == ("0.0.0.0", ("10.0.0.1",))


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_values_the_one_is_named_that_is_not_possible(order):
    changes = dict([("serve.port", "0"), ("serve.host", "0.0.0.0")][::order])
    with pytest.raises(BadParameter, match=r"serve\.host=0\.0\.0\.0 is not possible"):
        with_command_line(Config(), changes)
