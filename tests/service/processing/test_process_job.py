"""Images that the user wants and the sweep has not are remarked, whatever range the queue gives the import."""

from __future__ import annotations

import pytest

from autoproc.config import Config, with_command_line
from autoproc.service.processing.process_job import beyond, within_range


@pytest.mark.parametrize(
    ("wanted", "there", "used", "said"),
    [
        ("1,9000", (1, 160), (1, 160), ("image_range 1 to 9000 goes beyond the images, 1 to 160",)),
        ("0,20", (1, 160), (1, 20), ("image_range 0 to 20 goes beyond the images, 1 to 160",)),
        ("10,20", (1, 160), (10, 20), ()),
        ("1,160", (1, 160), (1, 160), ()),
    ],
)
def test_beyond(wanted, there, used, said):
    config = with_command_line(Config(), {"import_sweep.image_range": wanted})
    assert within_range(config, there).import_sweep.image_range == used
    assert beyond(config, there) == said


def test_nothing_is_said_where_nothing_was_asked():
    assert beyond(Config(), (1, 160)) == ()
    assert beyond(with_command_line(Config(), {"import_sweep.image_range": "1,9000"}), None) == ()
