"""Addresses and names that cannot be are refused where they are typed."""

import pytest

from autoproc.config import Config, with_command_line
from autoproc.overrides import BadParameter


@pytest.mark.parametrize("endpoint", ["tcp://relay:31011", "tcp://10.1.2.3:1", "ipc:///tmp/relay", ""])
def test_addresses(endpoint):
    assert with_command_line(Config(), {"record.endpoint": endpoint}).record.endpoint == endpoint


@pytest.mark.parametrize(
    "endpoint", ["relay:31011", "tcp://relay", "tcp://relay:99999", "tcp://relay:0", "tcp://a b:1", "http://relay:80"]
)
def test_addresses_that_are_none(endpoint):
    with pytest.raises(BadParameter, match="not of the form tcp://host:port"):
        with_command_line(Config(), {"record.endpoint": endpoint})


def test_a_name_that_leads_out_of_the_folder():
    with pytest.raises(BadParameter, match="empty or begins with a dot"):
        with_command_line(Config(), {"record.name": "../{series_id}"})
