"""Which experiment a reflection belongs to, where tables are put together or parts of them are taken."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Reflections


def joined(tables: Sequence[Reflections], n_before: Sequence[int] = ()) -> Reflections:
    """Tables of several files as one; the experiments and image sets of each follow those before it.

    n_before : numbers of experiments of the first tables, where they may have some without reflections
    """
    if len(tables) == 1:
        return tables[0]
    parts, offset = [], 0
    for n, table in enumerate(tables):
        ids = table["experiment_id"]
        columns = {"experiment_id": ids + offset * (ids >= 0)}
        if "imageset_id" in table:
            columns["imageset_id"] = table["imageset_id"] + offset
        identifiers = {n + offset: s for n, s in table.identifiers.items()}
        parts.append(table.replace(**columns).with_identifiers(identifiers))
        offset += n_before[n] if n < len(n_before) else max([*table.identifiers, int(ids.max(initial=0))]) + 1
    return Reflections.concatenate(parts)


def renumbered(reflections: Reflections, new_ids: dict[int, int]) -> Reflections:
    """The reflections of some experiments, with new experiment_ids."""
    ids = reflections["experiment_id"]
    kept = np.isin(ids, list(new_ids))
    lookup = np.full(int(max([*new_ids, ids.max(initial=0)])) + 1, -1, np.int32)
    lookup[list(new_ids)] = list(new_ids.values())
    part = reflections[kept]
    identifiers = {new_ids[n]: s for n, s in reflections.identifiers.items() if n in new_ids}
    return part.replace(experiment_id=lookup[part["experiment_id"]]).with_identifiers(identifiers)


def order_by(numbers: np.ndarray) -> np.ndarray:
    """(N,) rows in order of whole numbers (N,), none below 0; equal ones stay as they are.

    Sixteen bits at a time, which numpy counts through, where it compares longer numbers: a third of the time.
    """
    most = int(numbers.max(initial=0))
    order = np.argsort(numbers.astype(np.uint16), kind="stable")
    for digit in range(16, max(most, 1).bit_length(), 16):
        order = order[np.argsort((numbers[order] >> digit).astype(np.uint16), kind="stable")]
    return order


def rows_by_experiment(ids: np.ndarray) -> dict[int, np.ndarray]:
    """Rows, ascending, of each value in ids (N,), in order; in one pass, however many experiments there are."""
    order = np.argsort(ids, kind="stable")
    found, first = np.unique(ids[order], return_index=True)
    return dict(zip(map(int, found), np.split(order, first[1:]), strict=True)) if len(found) else {}


def sweeps_of(experiments: Sequence[Experiment]) -> list[list[int]]:
    """Indices of the experiments of each sweep: those that share their images and range."""
    groups: dict[tuple[str, tuple[int, int], tuple[int, ...]], list[int]] = {}
    for number, experiment in enumerate(experiments):
        images = experiment.imageset
        key = (
            (images.template, experiment.scan.image_range, images.indices[:1]) if images else (str(number), (0, 0), ())
        )
        groups.setdefault(key, []).append(number)
    return list(groups.values())
