"""The pages of a folder of results as a known browser sees them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.testclient import TestClient

from autoproc.dashboard.app import dashboard, keys_of
from autoproc.dashboard.params import ServeParams
from autoproc.service.results.outputs import Outputs

HOST = "http://127.0.0.1"


@contextmanager
def browser_of(output: Path) -> Iterator[TestClient]:
    """A browser that has come by the link."""
    keys = keys_of(Outputs(output))
    with TestClient(dashboard(Outputs(output), ServeParams(), keys), base_url=HOST, follow_redirects=False) as client:
        client.get("/", params={"token": keys.token})
        yield client


def token_of(client: TestClient) -> str:
    """The token of the forms of its pages."""
    found = re.search(r'name="form-token" content="([0-9a-f]+)"', client.get("/").text)
    assert found is not None
    return found[1]
