"""The application: pages, events and files of one folder of results."""

from __future__ import annotations

import os

from starlette.applications import Starlette

from autoproc.dashboard import api, compare_pages, live_pages, metrics, request_pages, sweep_pages, visit_pages
from autoproc.dashboard.access.keys import Keys, keys_of
from autoproc.dashboard.access.own_visits import OwnVisits
from autoproc.dashboard.change_message import change_message
from autoproc.dashboard.feed import Feed
from autoproc.dashboard.guarded_pages import GuardedPages
from autoproc.dashboard.live_sweeps import LiveSweeps
from autoproc.dashboard.params import ServeParams
from autoproc.dashboard.reader import PATIENCE, QueueReader
from autoproc.dashboard.thumbnails import FOLDER, Thumbnails
from autoproc.dashboard.viewers import image_pages, lattice_pages
from autoproc.dashboard.website import Visit, Website
from autoproc.service.job_queue.jobs import JobQueue
from autoproc.service.queue_file import queue_there
from autoproc.service.results.outputs import Outputs
from autoproc.viewing.subject import Subject, subject_of_results

__all__ = ["dashboard", "keys_of"]

ROOMS = (
    visit_pages,
    request_pages,
    image_pages,
    lattice_pages,
    compare_pages,
    sweep_pages,  # takes any address below /sweeps that none before it takes
    live_pages,
    api,
    metrics,
)


def dashboard(outputs: Outputs, params: ServeParams, keys: Keys) -> Starlette:
    """The application for a folder of results that has a queue. Raises UnsafeSecret."""

    def open_queue() -> JobQueue:
        return queue_there(outputs, PATIENCE)

    reader = QueueReader(open_queue)
    pictures, live = Thumbnails(outputs.state / FOLDER), LiveSweeps(outputs.live)
    visit = Visit(outputs, reader, Feed(reader, change_message), pictures, live)
    folder = outputs.output.absolute()
    title = f"{folder.parent.name}/{folder.name}".strip("/")
    site = Website(title, params, lambda name: _subject(outputs, name), visit)
    routes = [route for room in ROOMS for route in room.routes]
    return GuardedPages(site, keys, routes, OwnVisits(open_queue, change_message))


def _subject(outputs: Outputs, name: str) -> Subject:
    """What a sweep's results have to show; nothing where they are not in their place but where links lead."""
    folder, top = outputs.results(name), os.path.realpath(outputs.output)
    is_in_place = os.path.realpath(folder) == os.path.join(top, name)
    return subject_of_results(name, folder) if is_in_place else Subject(name)
