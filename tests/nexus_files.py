"""Small NeXus files for tests, written without the product's own writer."""

from __future__ import annotations

import h5py
import hdf5plugin
import numpy as np

SIZE = (30, 40)


def group(parent, name, nx_class):
    made = parent.create_group(name)
    made.attrs["NX_class"] = nx_class
    return made


def axis(parent, name, values, kind, vector, depends_on, units, offset=(0.0, 0.0, 0.0)):
    item = parent.create_dataset(name, data=np.atleast_1d(np.asarray(values, float)))
    item.attrs.update(
        transformation_type=kind, vector=np.array(vector, float), depends_on=depends_on, units=units, offset=offset
    )
    return item


def write_master(path, frames, omega=None, two_theta=0.0, wavelength=0.98, link=False, dtype=np.uint16, kappa=False):
    n = len(frames)
    omega = 10.0 + 0.5 * np.arange(n) if omega is None else omega
    with h5py.File(path, "w") as handle:
        entry = group(handle, "entry", "NXentry")
        data = group(entry, "data", "NXdata")
        if link:
            target = path.with_name(path.name.replace("_master", "_data_000001"))
            with h5py.File(target, "w") as other:
                other.create_dataset(
                    "entry/data/data", data=frames.astype(dtype), chunks=(1, *SIZE), **hdf5plugin.Bitshuffle()
                )
            data["data_000001"] = h5py.ExternalLink(target.name, "/entry/data/data")
        else:
            data.create_dataset("data", data=frames.astype(dtype), chunks=(1, *SIZE), compression="gzip")
        sample = group(entry, "sample", "NXsample")
        turns = group(sample, "transformations", "NXtransformations")
        axis(turns, "omega", omega, "rotation", (-1, 0, 0), ".", "deg")
        first = "omega"
        if kappa:
            axis(turns, "kappa", 55.0, "rotation", (-0.6, -0.8, 0), "omega", "deg")
            axis(turns, "phi", -80.0, "rotation", (-1, 0, 0), "kappa", "deg")
            first = "phi"
        sample["depends_on"] = f"/entry/sample/transformations/{first}"
        instrument = group(entry, "instrument", "NXinstrument")
        beam = group(instrument, "beam", "NXbeam")
        if wavelength is not None:
            beam["incident_wavelength"] = wavelength
            beam["incident_wavelength"].attrs["units"] = "angstrom"
        detector = group(instrument, "detector", "NXdetector")
        chain = group(detector, "transformations", "NXtransformations")
        axis(chain, "two_theta", two_theta, "rotation", (-1, 0, 0), ".", "deg")
        axis(chain, "det_z", 0.2, "translation", (0, 0, 1), "two_theta", "m")
        module = group(detector, "module", "NXdetector_module")
        module["data_origin"], module["data_size"] = [0, 0], list(SIZE)
        above = "/entry/instrument/detector/transformations/det_z"
        offset = (0.003, 0.002, 0.0)
        axis(module, "module_offset", 0.0, "translation", (1, 0, 0), above, "m", offset)
        here = "/entry/instrument/detector/module/module_offset"
        axis(module, "fast_pixel_direction", 1e-4, "translation", (-1, 0, 0), here, "m")
        axis(module, "slow_pixel_direction", 1e-4, "translation", (0, -1, 0), here, "m")
        detector["sensor_material"], detector["sensor_thickness"] = "Si", 3.2e-4
        detector["sensor_thickness"].attrs["units"] = "m"
        detector["saturation_value"] = 5000
        mask = np.zeros(SIZE, np.uint32)
        mask[3, 4] = 1
        detector["pixel_mask"] = mask
    return path
