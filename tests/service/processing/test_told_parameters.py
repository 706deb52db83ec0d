"""What files of a visit say of its processing: taken key by key, refused with file and line, never fatal."""

from dataclasses import replace
from pathlib import Path

import pytest

from autoproc.config import Config, change_table
from autoproc.service.processing import told_parameters
from autoproc.service.processing.order import Order
from autoproc.service.processing.told_parameters import MOST_COMPLAINTS, UNTOLD, told_config, with_told
from autoproc.service.visits.parameter_files import ParameterFile

PATH = Path("/v/autoproc.toml")


def said(*texts, config=None, named=None):
    files = [ParameterFile(Path(f"/v{n or ''}/autoproc.toml"), text.encode()) for n, text in enumerate(texts)]
    return told_config(config or Config(), files, named or {})


def test_the_nearest_has_the_last_word_key_by_key():
    config, told = said("[scale]\nd_min = 2.0\nd_max = 30.0\n", "[scale]\nd_min = 1.8\n")
    assert (config.scale.d_min, config.scale.d_max) == (1.8, 30.0)
    assert {(one.key, one.value, str(one.file)) for one in told.given} == {
        ("scale.d_min", 1.8, "/v1/autoproc.toml"),
        ("scale.d_max", 30.0, "/v/autoproc.toml"),
    }
    assert told.ignored == ()
    assert told.lines == (
        "parameters from /v1/autoproc.toml: scale.d_min=1.8",
        "parameters from /v/autoproc.toml: scale.d_max=30.0",
    )


def test_what_the_program_has_is_kept_where_nobody_says_otherwise():
    program = change_table(Config(), "scale", {"d_min": 2.5, "d_max": 40.0})
    config, _ = said("[scale]\nd_min = 2.0\n", config=program)
    assert (config.scale.d_min, config.scale.d_max) == (2.0, 40.0)


def test_what_was_asked_for_by_name_is_not_changed():
    config, told = said("[scale]\nd_min = 2.0\nd_max = 30.0\n", named={"scale": {"d_min": 1.5}})
    assert (config.scale.d_min, config.scale.d_max) == (None, 30.0)
    assert [one.key for one in told.given] == ["scale.d_max"]


def test_parameters_of_the_program_and_names_of_files_are_refused_whatever_is_allowed():
    text = '[service]\non_success = [["rm"]]\n[import_sweep]\nlink_roots = ["/"]\n[run]\nn_threads = 64\n'
    text += '[merge]\nreference = "/etc/shadow"\n[visit]\nallowed_keys = ["*"]\n[watch]\npoll_interval = 1e-9\n'
    config, told = said(text)
    assert config == Config()
    assert told.given == ()
    lines = [one.partition(":")[0] for one in told.ignored]
    assert lines == [f"{PATH}, line {n}" for n in (2, 4, 6, 8, 10, 12)]
    assert "it names files" in told.ignored[1]
    assert "it is of the program" in told.ignored[0]


def test_staff_say_what_may_be_given():
    program = change_table(Config(), "visit", {"allowed_keys": ("index.*", "scale.d_min")})
    config, told = said("[index]\nmax_lattices = 2\n[scale]\nd_min = 2.0\nd_max = 30.0\n", config=program)
    assert (config.index.max_lattices, config.scale.d_min, config.scale.d_max) == (2, 2.0, None)
    assert told.ignored == (f"{PATH}, line 5: scale.d_max: the staff does not allow it here (visit.allowed_keys)",)


def test_one_bad_value_does_not_cost_the_others():
    config, told = said("[scale]\n# a comment\nd_min = -1\nd_max = 30.0\n[scael]\nd_min = 2\n[index]\nmax_cel = 3\n")
    assert (config.scale.d_min, config.scale.d_max) == (None, 30.0)
    assert [one.partition(": ")[0] for one in told.ignored] == [f"{PATH}, line {n}" for n in (3, 6, 8)]
    assert "did you mean index.max_cell" in told.ignored[2]


def test_a_bad_file_does_not_cost_the_others():
    bad = ParameterFile(Path("/v/a/autoproc.toml"), problem="it is a symbolic link")
    good = ParameterFile(PATH, b"[scale]\nd_min = 2.0\n")
    config, told = told_config(Config(), [good, bad], {})
    assert config.scale.d_min == 2.0
    assert told.warnings == ("ignored: /v/a/autoproc.toml: it is a symbolic link",)


DEEP = "x = " + "[" * 20000 + "]" * 20000
HOSTILE = {
    "no TOML": "[scale\nd_min=2", "deep": DEEP, "deep tables": "[" + ".".join("a" * 9000) + "]\nb=1\n",
    "a number of thousands of digits": "[scale]\nd_min = " + "9" * 5000, "nan": "[scale]\nd_min = nan\n",
    "a large number": "[scale]\nd_min = " + "9" * 4000, "infinity": "[index]\nmax_cell = inf\n",
    "a date": "[scale]\nd_min = 1979-05-27\n", "a list": "[scale]\nd_min = [[[[1]]]]\n",
    "no table": "d_min = 2.0\n", "an array of tables": "[[scale]]\nd_min = 2.0\n", "twice": "[scale]\na=1\na=2\n",
    "a table for a value": "[scale.d_min]\nx = 1\n", "text for a whole number": '[index]\nmax_lattices = "x"\n',
    "an empty key": '[scale]\n"" = 1\n', "dots in a key": '[scale]\n"d_min.x.y" = 1\n',
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_nothing_in_a_file_is_fatal(text):
    config, told = said(text)
    assert config == Config()
    assert told.given == ()
    assert len(told.ignored) == 1
    assert told.ignored[0].startswith(str(PATH))
    assert len(told.ignored[0]) < 600


def test_bytes_that_are_no_text_are_told():
    _, told = told_config(Config(), [ParameterFile(PATH, b"\xff\xfe")], {})
    assert told.ignored == (f"{PATH}: it is not UTF-8 text",)


def test_no_more_is_complained_of_than_somebody_reads():
    _, told = said("[scale]\n" + "".join(f"x{n} = 1\n" for n in range(200)))
    assert len(told.ignored) == 200
    assert len(told.warnings) == MOST_COMPLAINTS + 1
    assert told.warnings[-1] == "ignored: 190 more in the visit's files"


def test_what_acts_on_a_terminal_is_spelt_out():
    _, told = said('[scale]\n"\\u001b[31m" = 1\n')
    assert "\x1b" not in "".join(told.warnings)


def order_of(tmp_path, config=None, **changes):
    images, output = tmp_path / "v" / "x_####.cbf", tmp_path / "out"
    images.parent.mkdir(exist_ok=True)
    folder = output / ".autoproc" / "work" / "x.1"
    return Order(1, 1, "x", str(images), None, "", folder, folder, config or Config(), visit=str(tmp_path), **changes)


def test_an_order_is_changed_by_the_files_and_they_by_what_was_asked_for_since(tmp_path):
    order = order_of(tmp_path, changes={"scale.d_min": "1.5"})
    (tmp_path / "v" / "autoproc.toml").write_text("[scale]\nd_min = 2.0\nd_max = 30.0\n")
    (tmp_path / "out" / "x").mkdir(parents=True)
    (tmp_path / "out" / "x" / "autoproc.toml").write_text("[scale]\nd_max = 20.0\n")
    changed, told = with_told(order)
    assert (changed.config.scale.d_min, changed.config.scale.d_max) == (1.5, 20.0)
    assert len(told.files) == 2


def facts(text, config=None):
    return told_config(config or Config(), [ParameterFile(Path("/v/sample.json"), text.encode())], {})


def test_facts_of_a_sample_are_expectations_and_force_nothing():
    text = '{"cell": [61, 74, 112, 90, 97, 90], "spaceGroup": "P21", "anomalousScatterer": "SE"}'
    program = change_table(Config(), "scale", {"anomalous": False})
    config, told = facts(text, program)
    assert config.index.expected_cell == (61, 74, 112, 90, 97, 90)
    assert (config.symmetry.expected_space_group, config.scale.expected_element) == ("P21", "Se")
    assert config.scale.anomalous
    assert (config.index.unit_cell, config.symmetry.space_group) == (None, None)
    assert told.lines == (
        "parameters from /v/sample.json: index.expected_cell=61.0,74.0,112.0,90.0,97.0,90.0, "
        "symmetry.expected_space_group=P21, scale.expected_element=Se, scale.anomalous=true",
    )


def test_facts_are_taken_whatever_keys_are_allowed_but_not_where_staff_do_not_want_them():
    program = change_table(Config(), "visit", {"allowed_keys": ()})
    assert facts('{"spaceGroup": "P21"}', program)[0].symmetry.expected_space_group == "P21"
    program = change_table(Config(), "visit", {"sample_facts": False})
    config, told = facts('{"spaceGroup": "P21"}', program)
    assert config == program
    assert "visit.sample_facts" in told.ignored[0]


ABSURD = {
    "no JSON": "{", "not a number": '{"cell": [NaN, 1, 1, 90, 90, 90]}', "deep": "[" * 30000 + "]" * 30000,
    "a flat cell": '{"cell": [1, 1, 1, 90, 90, 180]}', "a negative cell": '{"cell": [-9, 9, 9, 90, 90, 90]}',
    "no group": '{"spaceGroup": "P 99"}', "no element": '{"element": "Unobtanium"}',
    "a letter": r'{"element": "\u00e9"}',
    "many digits": '{"cell": [' + "9" * 5000 + "]}", "half a letter": r'{"spaceGroup": "\ud800"}',
}  # fmt: skip


@pytest.mark.parametrize("text", ABSURD.values(), ids=ABSURD)
def test_nonsense_about_a_sample_is_said_and_ignored(text):
    config, told = facts(text)
    assert config.model_copy(update={"scale": Config().scale}) == Config()
    assert told.ignored
    assert all(one.startswith("/v/sample.json: ") for one in told.ignored)


def test_a_wish_goes_before_a_fact_and_the_master_file_says_least(tmp_path, monkeypatch):
    monkeypatch.setattr(
        told_parameters, "said_of_sample", lambda path: {"spaceGroup": "P1", "cell": [9] * 3 + [90] * 3}
    )
    order = replace(order_of(tmp_path), path=str(tmp_path / "v" / "x_master.h5"))
    (tmp_path / "v" / "sample.json").write_text('{"spaceGroup": "P2", "element": "Se"}')
    (tmp_path / "v" / "autoproc.toml").write_text('[symmetry]\nexpected_space_group = "P21"\n')
    changed, told = with_told(order)
    assert changed.config.symmetry.expected_space_group == "P21"
    assert changed.config.index.expected_cell == (9, 9, 9, 90, 90, 90)
    assert changed.config.scale.expected_element == "Se"
    assert [file.path.name for file in told.files] == ["sample.json", "autoproc.toml"]
    assert {one.file.name for one in told.given} == {"x_master.h5", "sample.json", "autoproc.toml"}


def test_nobody_is_asked_where_staff_say_so(tmp_path):
    (tmp_path / "autoproc.toml").write_text("[scale]\nd_min = 2.0\n")
    nothing = {"parameters": False, "sample_facts": False}
    order = order_of(tmp_path, config=change_table(Config(), "visit", nothing))
    assert with_told(order) == (order, UNTOLD)
    assert UNTOLD.put_into({"warnings": []}) == {"warnings": []}


def test_a_summary_says_what_was_taken_and_what_was_not():
    _, told = said("[scale]\nd_min = 2.0\nbad = 1\n")
    summary = told.put_into({"warnings": ["x"]})
    assert summary["told_by_visit"]["given"] == [{"key": "scale.d_min", "value": "2.0", "file": str(PATH)}]
    assert list(summary["told_by_visit"]["files"]) == [str(PATH)]
    assert summary["warnings"][0].startswith(f"ignored: {PATH}, line 3: ")
    assert summary["warnings"][1:] == ["x"]
