"""What stands beside a summary for programs: the results under the names of a database, and how they were made."""

from __future__ import annotations

from typing import Any

from autoproc.reports.ispyb import ispyb_record
from autoproc.service.processing.order import Order, settings_of
from autoproc.service.processing.process_sweep import write_json
from autoproc.service.results.earlier import PARAMETERS
from autoproc.service.results.outputs import home_of


def with_record(summary: dict[str, Any], order: Order) -> dict[str, Any]:
    """The summary, once ispyb.json and parameters.json stand beside it. Raises OSError."""
    write_json(order.folder / "ispyb.json", ispyb_record(summary, str(home_of(order.attempt))))
    write_json(order.folder / PARAMETERS, {"run": order.run, "settings": settings_of(order.config)})
    return summary
