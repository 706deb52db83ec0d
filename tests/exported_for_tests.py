"""Data to export: integrated and scaled observations of one sweep or several, with a known answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from models_for_tests import crystal, experiment, scaled

from autoproc.formats.export.export_params import ExportParams
from autoproc.formats.export.exported import Exported
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import Experiment
from autoproc.models.reflections import Flag, Reflections
from autoproc.stages.export import export

ESD = (0.01, 0.01, 0.005, 0.0, 0.0, 0.0)


def sweeps(n: int = 1, made: Crystal | None = None, first_image: int = 1) -> list[Experiment]:
    """Sweeps of one crystal, told apart by their identifiers."""
    made = made or crystal()
    known = replace(made, cell_esd=ESD)
    one = experiment(known)
    scan = replace(one.scan, image_range=(first_image, first_image + one.scan.n_images - 1))
    return [replace(one, identifier=f"sweep-{number}", scan=scan) for number in range(n)]


def observations(n_sweeps: int = 1, made: Crystal | None = None, d_min: float = 6.0) -> Reflections:
    """Scaled observations of all sweeps, with what integration leaves in them; one in twenty rejected."""
    parts = []
    for number in range(n_sweeps):
        table = scaled(made or crystal(), d_min=d_min, multiplicity=4, seed=number, structure_seed=0)
        n = len(table)
        frame = table["xyz_cal_px"][:, 2]
        z0 = np.floor(frame).astype(np.int32)
        bbox = np.column_stack([np.zeros((n, 4), np.int32), np.maximum(z0 - 1, 0), np.minimum(z0 + 2, 40)])
        parts.append(
            table.replace(
                experiment_id=np.full(n, number),
                imageset_id=np.full(n, number),
                panel=np.zeros(n),
                bbox=bbox,
                xyz_obs_px=table["xyz_cal_px"] + 0.1,
                intensity_sum=table["intensity_scale"] / 0.02,
                variance_sum=table["variance_scale"] / 0.02**2,
                lp=np.full(n, 0.02),
                qe=np.ones(n),
            ).with_identifiers({number: f"sweep-{number}"})
        )
    table = Reflections.concatenate(parts)
    rejected = np.arange(len(table)) % 20 == 7
    return table.with_flag(Flag.OUTLIER_IN_SCALING, rejected).without_flag(Flag.SCALED, rejected)


def integrated(table: Reflections) -> Reflections:
    """The same before scaling."""
    cleared = table.without("intensity_scale", "variance_scale", "inverse_scale")
    return cleared.without_flag(Flag.SCALED | Flag.OUTLIER_IN_SCALING)


def exported(form: str, n_sweeps: int = 1, made: Crystal | None = None, **parameters: object) -> Exported:
    """What the writer of a format is given."""
    params = ExportParams(format=form, **parameters)
    return export(sweeps(n_sweeps, made), observations(n_sweeps, made), params, "lyso")
