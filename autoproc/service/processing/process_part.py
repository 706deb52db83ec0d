"""A sweep's work shared with helpers, by whoever has the sweep, and helping, by who was sent to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from autoproc.console import Console
from autoproc.errors import AutoprocError, InputError
from autoproc.service.params import ServiceParams
from autoproc.service.processing.order import Order
from autoproc.service.processing.own_images import chosen, within_range
from autoproc.service.results.outputs import parts_of
from autoproc.service.sharing.helping import Helper
from autoproc.service.sharing.leader import Leader
from autoproc.service.sharing.lives import seen_alive, token
from autoproc.service.sharing.wanted import ORDER
from autoproc.stages.import_sweep import ImportedSweep, import_sweeps
from autoproc.stages.pipeline import open_frames
from autoproc.wording import counted


class HelpedSweepMissing(InputError):
    """A helper does not find the sweep that it is to help with."""

    what = "there is no sweep at {path}, as far as this machine sees"
    hint = "nothing needs to be done: the sweep is processed without; images have to have the same path everywhere"


@contextmanager
def shared(order: Order, sweep: ImportedSweep) -> Iterator[Leader | None]:
    """Whoever shares the work on a sweep; None of one that is too small for that."""
    service, megapixels = order.config.service, megapixels_of(sweep)
    if not is_large(service, sweep.experiment.scan.n_images, megapixels):
        yield None
        return
    with Leader(parts_of(order.attempt), order.line(), service.parts.most, megapixels).open() as leader:
        yield leader


def megapixels_of(sweep: ImportedSweep) -> float:
    """Of an image."""
    fast, slow = sweep.experiment.detector[0].image_size
    return float(fast * slow / 1e6)


def is_large(service: ServiceParams, n_images: int, megapixels: float) -> bool:
    """It pays to share the work."""
    return service.parts.is_enabled and n_images * megapixels / 1000 >= service.parts.least_gigapixels


def process_part(order: Order, console: Console) -> dict[str, Any]:
    """Help with a sweep as long as there is something to do; nothing of the sweep is told or written but that."""
    assert order.part_of is not None
    done = "the sweep is over"
    try:
        done = _helped(order, console)
    except (AutoprocError, OSError) as error:  # whoever has the sweep goes on without
        console.log_details(error)
        done = f"no help: {error}"
    console.log(done)
    return {"status": "processed", "sweep": order.name, "warnings": []}


def _helped(order: Order, console: Console) -> str:
    """Raises AutoprocError and OSError."""
    assert order.part_of is not None
    who = token()
    sweeps = Order.read((order.part_of / ORDER).read_text(encoding="utf-8"))
    config = within_range(sweeps.config, sweeps.image_range)
    with console.busy("Helping"), seen_alive(order.part_of, who):
        sweep = chosen(import_sweeps([sweeps.path], config.import_sweep).experiments, sweeps.image_range)
        if sweep is None:
            raise HelpedSweepMissing(path=sweeps.path)
        reader = open_frames(sweep.experiment, config, is_read_again=True)
        n_threads = order.config.run.n_threads
        helper = Helper(order.part_of, who, sweep.experiment, reader, config.find_spots, n_threads)
        helper.work()
    return "; ".join([f"{counted(helper.n_done, 'piece')} made", *helper.declined])
