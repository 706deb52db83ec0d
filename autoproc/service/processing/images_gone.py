"""Images that were there when their sweep was found, and are not now: a file server is away, a folder was moved."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection
from pathlib import Path

from autoproc.config import Config
from autoproc.errors import AutoprocError, InputError
from autoproc.formats.images.damaged_frames import ForgivingReader
from autoproc.formats.sweeps import NoImages
from autoproc.formats.templates import matches_template
from autoproc.passing import may_pass, reasons
from autoproc.service.processing.order import Order
from autoproc.wording import number_ranges

LISTED = 5


class ImagesGone(InputError):
    """Images that were there are not any more; they may come back."""

    what = "the images of {path} are gone: {reason}"
    hint = (
        "mount the disk or bring them back; `autoproc run` at work tries again by itself, else `autoproc retry "
        "{name}`; `autoproc reprocess {name} import_sweep.image_range=FIRST,LAST` takes what is there"
    )
    retryable = True


def images_gone(order: Order, config: Config) -> AutoprocError | None:
    """What the sweep lacks now of what it had when it was found; None if nothing."""
    path = Path(order.path)
    try:
        reason = _lacking(order, config) if "#" in path.name and not path.exists() else _absent(path)
    except OSError as error:
        if not (may_pass(error) or isinstance(error, (FileNotFoundError, NotADirectoryError))):
            return None
        gone = ImagesGone(path=path, name=order.name, reason=f"{error.filename or path}: {error.strerror or error}")
        gone.__cause__ = error
        return gone
    return ImagesGone(path=path, name=order.name, reason=reason) if reason else None


def _absent(path: Path) -> str:
    """Nothing, of a master file that is there. Raises OSError."""
    os.stat(path)
    return ""


def _lacking(order: Order, config: Config) -> str:
    """Which images of a template that are wanted are not in its folder, in words. Raises OSError."""
    path = Path(order.path)
    pattern = matches_template(path.name)
    there = {int(match.group(1)) for match in map(pattern.match, os.listdir(path.parent)) if match}
    if not there:
        return f"none is in {path.parent}"
    if order.image_range is None:
        is_short = config.import_sweep.image_range is None and len(there) < order.n_images
        return f"{len(there)} of {order.n_images} are there" if is_short else ""
    return lacking_of(order.image_range, order.n_images, there, config)


def lacking_of(image_range: tuple[int, int], n_images: int, there: Collection[int], config: Config) -> str:
    """Which images are missing that were not when their sweep was found, in words; "" if none.

    n_images : of the range, that were there; those that lacked then may lack now
    """
    first, last = image_range
    low, high = config.import_sweep.image_range or image_range
    excluded = set(config.import_sweep.excluded_from(range(first, last + 1)))
    missing = [n for n in range(max(first, low), min(last, high) + 1) if n not in there and n not in excluded]
    if not n_images or len(missing) <= last - first + 1 - n_images:
        return ""
    return f"{len(missing)} of {n_images} are missing, {number_ranges(missing, LISTED)}"


def shortage(order: Order, config: Config, n_imported: int) -> AutoprocError | None:
    """Images that an HDF5 master no longer leads to, as its data files are gone; n_imported : those it does."""
    wanted = config.import_sweep
    if "#" in Path(order.path).name or wanted.image_range not in (None, order.image_range) or wanted.exclude_images:
        return None
    if n_imported >= order.n_images:
        return None
    reason = f"{n_imported} of {order.n_images} are there"
    return ImagesGone(path=order.path, name=order.name, reason=reason)


def lost_meanwhile(
    order: Order, config: Config, error: Exception | None, reader: ForgivingReader | None
) -> AutoprocError | None:
    """Why an attempt at a sweep is in vain whose images were gone for a while, or still are; None where they were not.

    error : that ended it, if one did; reader : of its images, if it came so far
    """
    n_unread = 0 if reader is None else len(reader.damaged)
    if error is None and not n_unread:
        return None
    gone = images_gone(order, config)
    if gone is not None:
        return gone
    n_lost = 0 if reader is None else len(reader.lost_for_a_while())
    if n_lost:
        reason = f"{n_lost} could not be read for a while"
        return ImagesGone(path=order.path, name=order.name, reason=reason)
    if isinstance(error, InputError) and not error.retryable and _is_missing_image(error, order):
        return ImagesGone(path=order.path, name=order.name, reason=error.message)
    return None


def _is_missing_image(error: InputError, order: Order) -> bool:
    """A file beside the images that was there a moment ago; not a mask, say, that the user gave the wrong name of."""
    is_missing = isinstance(error, NoImages) or errno.ENOENT in reasons(error)
    return is_missing and Path(str(error.facts.get("path"))).parent == Path(order.path).parent
