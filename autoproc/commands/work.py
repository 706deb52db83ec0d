"""`autoproc _work`: a worker process of `autoproc run`; not for people."""

from __future__ import annotations


def work_command(reports: int) -> None:
    """Wait for one sweep on the standard input, process it, report on the pipe of this number."""
    from autoproc.service.worker import work  # noqa: PLC0415  (loads every stage)

    work(reports)
