"""What a worker is told arrives as it was meant; which parameters make a result another one."""

from __future__ import annotations

from pathlib import Path

import pytest
from queue_for_tests import Service, found

from autoproc.config import Config, with_command_line, with_threads
from autoproc.service.processing.order import (
    OF_THE_PROGRAM,
    NotOfASweep,
    Order,
    config_for,
    names_files,
    require_of_sweep,
    settings_of,
    with_settings,
)

CHANGED = with_command_line(
    Config(),
    {
        "scale.d_min": "1.8", "index.unit_cell": "78,78,38,90,90,90", "mask": "0,0,5,5;7,7,9,9", "image_range": "3,9",
        "integrate.shadow.is_enabled": "false", "run.frame_cache": "1", "service.n_workers": "3",
    },
)  # fmt: skip


def test_an_order_is_read_as_it_was_written():
    order = Order(
        7, 2, "lyso #2 é", "/data/é x_####.cbf", (1, 90), "stalled", Path("/w/x.2"), Path("/w/x.2.json"), CHANGED
    )
    line = order.line()
    assert line.count("\n") == 1
    assert Order.read(line) == order


def test_an_order_says_what_goes_before_the_files_of_a_visit():
    told = {"visit": "/data/v1", "named": {"scale": {"d_min": 2.0}}, "changes": {"scale.d_max": "30"}}
    order = Order(1, 1, "x", "/data/v1/x_#.cbf", None, "", Path("/w/x.1"), Path("/w/x.1.json"), Config(), **told)
    assert Order.read(order.line()) == order


OF_A_SWEEP = {
    "run", "decisions", "import_sweep", "find_spots", "search_beam", "find_rotation_axis", "index", "bravais_settings",
    "refine", "integrate", "symmetry", "combine", "scale", "estimate_resolution", "damage_analysis", "anisotropy",
    "merge", "reindex", "export",
}  # fmt: skip
"""Tables that users may give parameters of: a new table belongs here, or to OF_THE_PROGRAM, or to both if in part."""


def test_of_every_table_it_is_known_whether_it_changes_how_a_sweep_is_processed():
    whole = {table for table, names in OF_THE_PROGRAM.items() if names is None}
    assert whole | OF_A_SWEEP == set(Config.model_fields)
    assert whole & OF_A_SWEEP == set()


def test_settings_are_what_results_depend_on():
    settings = settings_of(CHANGED)
    assert set(settings) == {"scale", "index", "import_sweep", "integrate"}
    assert settings["integrate"] == {"shadow": {"is_enabled": False}}
    assert settings_of(with_threads(Config(), 3)) == settings_of(Config()) == {}


@pytest.mark.parametrize("name", ["serve.port=8650", "groups.by=none", "watch.visit_depth=1", "service.n_workers=2"])
def test_how_programs_work_is_no_setting_of_a_sweep_and_not_to_be_asked_for(name):
    changes = dict([name.split("=")])
    assert settings_of(with_command_line(Config(), changes)) == {}
    with pytest.raises(NotOfASweep, match=name.partition(".")[0]):
        require_of_sweep({"scale.d_min": "2", **changes})


def test_parameters_that_name_files_are_known():
    changes = {"import_sweep.link_roots": "/store", "merge.reference": "a.mtz", "scale.d_min": "2"}
    assert names_files(require_of_sweep(changes)) == ["import_sweep.link_roots", "merge.reference"]
    assert names_files(require_of_sweep({"scale.d_min": "2"})) == []


def test_settings_make_the_same_configuration_again():
    program = with_command_line(Config(), {"scale.d_min": "3", "run.frame_cache": "5", "service.n_workers": "7"})
    config = with_settings(program, settings_of(CHANGED))
    assert settings_of(config) == settings_of(CHANGED)
    assert (config.run.frame_cache, config.service.n_workers) == (5, 7)


@pytest.mark.parametrize(
    ("base", "changes", "d_min"),
    [(None, {}, 3.0), ({}, {}, None), (None, {"scale.d_min": "2"}, 2.0), ({"scale": {"d_min": 1.5}}, {}, 1.5)],
)
def test_what_is_asked_for_goes_before_what_was_named_and_that_before_the_program(tmp_path, base, changes, d_min):
    program = with_command_line(Config(), {"scale.d_min": "3"})
    (tmp_path / "x.img").write_text("images")
    service = Service(tmp_path / "out")
    service.queue.add(found(tmp_path / "x.img"), base=base)
    job = service.queue.reprocess("x", changes) if changes else service.queue.named("x")
    config = config_for(job, program, n_threads=5)
    assert (config.scale.d_min, config.run.n_threads) == (d_min, 5)
    service.close()
