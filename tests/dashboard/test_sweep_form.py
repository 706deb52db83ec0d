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
