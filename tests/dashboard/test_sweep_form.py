"""The form's fields: what can be chosen is a choice, and every choice is possible."""

from __future__ import annotations

import pytest

from autoproc.config import Config, with_command_line
from autoproc.dashboard.sweep_form import LABELS, Field, choices_of


@pytest.mark.parametrize("name", [name for name in LABELS if choices_of(name)])
def test_every_choice_is_possible(name):
    for _, group in choices_of(name):
        for value, words in group:
            assert words
            with_command_line(Config(), {name: value})


def test_what_is_typed_has_no_choices_and_what_is_chosen_has():
    chosen = {name for name in LABELS if choices_of(name)}
    assert chosen == {"find_spots.exclude_ice_rings", "index.space_group", "index.method", "symmetry.space_group"}


@pytest.mark.parametrize(("value", "is_offered"), [("", True), ("P 21 21 21", True), ("P212121", False), ("19", False)])
def test_a_value_that_was_typed_before_stays(value, is_offered):
    name = "symmetry.space_group"
    assert Field(name, "", "", "", value, choices=choices_of(name)).is_offered == is_offered


def test_space_groups_that_data_cannot_tell_apart_are_said_to_be_so():
    words = {value: words for _, group in choices_of("symmetry.space_group") for value, words in group}
    assert words["I 2 2 2"] == "I 2 2 2: data cannot tell it from I 21 21 21"
    assert words["I 21 3"] == "I 21 3: data cannot tell it from I 2 3"
    assert words["P 43 21 2"] == "P 43 21 2: data cannot tell it from P 41 21 2"
    assert words["P 31 2 1"] == "P 31 2 1: data cannot tell it from P 32 2 1"
    assert words["P 21 21 21"] == "P 21 21 21"
