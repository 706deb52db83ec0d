"""DIALS experiment files (.expt): JSON, read and written."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gemmi
import numpy as np

from autoproc.errors import CorruptFile
from autoproc.formats.boundary import LONGEST_REASON, reads_file
from autoproc.formats.dials.expt_checks import sound_model
from autoproc.formats.dials.expt_scan import scan_from_json, scan_to_json, valid_image_ranges
from autoproc.formats.no_files import read_file
from autoproc.geometry.rotation import rotation_matrix
from autoproc.legible import plain
from autoproc.models.crystal import Crystal
from autoproc.models.experiment import (
    Beam,
    Detector,
    Experiment,
    Goniometer,
    ImageSet,
    Panel,
    ProfileModel,
    Scan,
)

OWN_KEY = "autoproc"
"""Of a crystal: what the keys of DIALS do not hold to the last digit, so that a step by hand begins exactly where
the one before it ended. DIALS passes over it; a file whose axes were changed since holds by those. Of an experiment:
remarks on its images."""
MAPS = ("mask", "gain", "pedestal", "dx", "dy")
"""Keys of an image set that name files with a value for every pixel; see formats.dials.unsupported_models."""
NAMESPACE = uuid.UUID("6f1c1d4e-52a5-5c55-9c55-0d4c4b1f6a3e")


@reads_file
def read_expt(path: str | Path) -> list[Experiment]:
    """Experiments of a .expt file. A file of image sets alone gives one experiment for each.

    Raises UnreadableFile or CorruptFile.
    """
    try:
        content = json.loads(read_file(path))
    except ValueError as error:
        raise CorruptFile(path=path, reason=f"it is not JSON ({str(error)[:LONGEST_REASON]})") from error
    try:
        return [sound_model(experiment) for experiment in _experiments(content)]
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        said = (str(error) if type(error) is ValueError else plain(repr(error)))[:LONGEST_REASON]
        raise CorruptFile(path=path, reason=f"it is not a DIALS experiment list ({said})") from error


def write_expt(path: str | Path, experiments: Sequence[Experiment]) -> None:
    """Write experiments so that DIALS reads them; shared models are written once."""
    pools: dict[str, list[Any]] = {
        k: [] for k in ("imageset", "beam", "detector", "goniometer", "scan", "crystal", "profile", "scaling_model")
    }
    seen: dict[tuple[str, int], int] = {}

    def pooled(kind: str, model: Any, entry: Any) -> int:
        key = (kind, id(model))
        if key not in seen:
            seen[key] = len(pools[kind])
            pools[kind].append(entry)
        return seen[key]

    listed = []
    for experiment in experiments:
        item: dict[str, Any] = {"__id__": "Experiment", "identifier": experiment.identifier}
        if experiment.remarks:
            item[OWN_KEY] = {"remarks": experiment.remarks}
        models: tuple[tuple[str, Any, Callable[[Any], Any]], ...] = (
            ("beam", experiment.beam, _beam_to_json),
            ("detector", experiment.detector, _detector_to_json),
            ("goniometer", experiment.goniometer, _goniometer_to_json),
            ("scan", experiment.scan, scan_to_json),
            ("crystal", experiment.crystal, _crystal_to_json),
            ("profile", experiment.profile, _profile_to_json),
            ("imageset", experiment.imageset, _imageset_to_json),
            ("scaling_model", experiment.scaling, dict),
        )
        for kind, model, encode in models:
            if model is not None:
                item[kind] = pooled(kind, model, encode(model))
        listed.append(item)
        if experiment.scan.excluded:
            ranges = valid_image_ranges(experiment.scan)
            pools["scan"][item["scan"]]["valid_image_ranges"][experiment.identifier] = ranges
    content = {"__id__": "ExperimentList", "experiment": listed, **pools}
    Path(path).write_text(json.dumps(content, indent=2, default=_plain))


def identifier_for(imageset: ImageSet, scan: Scan, lattice: int = 0) -> str:
    """The same images, range and lattice always get the same identifier."""
    text = f"{imageset.template}:{scan.image_range}:{imageset.indices[:1]}:{lattice}"
    return str(uuid.uuid5(NAMESPACE, text.encode("utf-8", "backslashreplace").decode()))  # names need not be UTF-8


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value)} cannot be written as JSON")


def _experiments(content: dict[str, Any]) -> list[Experiment]:
    entries = content.get("experiment") or [
        {**{k: s[k] for k in ("beam", "detector", "goniometer", "scan") if k in s}, "imageset": n}
        for n, s in enumerate(content["imageset"])
    ]
    decoders: dict[str, Callable[[Any], Any]] = {
        "beam": _beam, "detector": _detector, "goniometer": _goniometer, "scan": scan_from_json,
        "imageset": _imageset, "crystal": _crystal, "profile": _profile, "scaling_model": dict,
    }  # fmt: skip
    models = {kind: [decode(m) for m in content.get(kind, [])] for kind, decode in decoders.items()}
    result = []
    for entry in entries:
        chosen = {kind: models[kind][entry[kind]] for kind in decoders if entry.get(kind) is not None}
        scan = chosen.get("scan") or Scan((1, 1), (0.0, 0.0))
        imageset = chosen.get("imageset")
        if imageset is not None and imageset.kind == "hdf5" and not imageset.indices:
            first, last = scan.image_range
            chosen["imageset"] = ImageSet("hdf5", imageset.template, tuple(range(first - 1, last)), imageset.extra)
        result.append(
            Experiment(
                chosen["beam"],
                chosen["detector"],
                chosen.get("goniometer") or Goniometer(),
                scan,
                chosen.get("imageset"),
                chosen.get("crystal"),
                chosen.get("profile"),
                chosen.get("scaling_model"),
                entry.get("identifier", ""),
                tuple(map(str, entry.get(OWN_KEY, {}).get("remarks", ()))),
            )
        )
    return result


def _vector(values: Any) -> np.ndarray:
    return np.array(values, float)


def _matrix(values: Any) -> np.ndarray:
    return np.array(values, float).reshape(3, 3)


def _beam(m: dict[str, Any]) -> Beam:
    normal, fraction = _vector(m.get("polarization_normal", (0, 1, 0))), float(m.get("polarization_fraction", 0.999))
    if not 0 <= fraction <= 1 or not np.any(normal):
        raise ValueError(f"a polarization_fraction of {fraction:g} about {normal} is impossible")
    return Beam(
        float(m["wavelength"]), _vector(m["direction"]), normal, fraction, float(m.get("divergence", 0.0)),
        float(m.get("sigma_divergence", 0.0)), float(m.get("flux", 0.0)), float(m.get("transmission", 1.0)),
    )  # fmt: skip


def _beam_to_json(beam: Beam) -> dict[str, Any]:
    return {
        "__id__": "monochromatic",
        "probe": "x-ray",
        "direction": beam.direction,
        "wavelength": beam.wavelength,
        "divergence": beam.divergence,
        "sigma_divergence": beam.sigma_divergence,
        "polarization_normal": beam.polarization_normal,
        "polarization_fraction": beam.polarization_fraction,
        "flux": beam.flux,
        "transmission": beam.transmission,
    }


def _detector(m: dict[str, Any]) -> Detector:
    """Panels in the laboratory: the frames of the hierarchy above a panel are applied to it."""
    frames: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def descend(node: dict[str, Any], rotation: np.ndarray, origin: np.ndarray) -> None:
        if "panel" in node:
            frames[node["panel"]] = (rotation, origin)
            return
        fast, slow = _vector(node["fast_axis"]), _vector(node["slow_axis"])
        here = rotation @ np.column_stack([fast, slow, np.cross(fast, slow)])
        corner = origin + rotation @ _vector(node["origin"])
        for child in node.get("children", []):
            descend(child, here, corner)

    if "hierarchy" in m:
        descend(m["hierarchy"], np.eye(3), np.zeros(3))
    identity = (np.eye(3), np.zeros(3))
    return Detector(tuple(_panel(p, *frames.get(n, identity)) for n, p in enumerate(m["panels"])))


def _panel(m: dict[str, Any], rotation: np.ndarray, origin: np.ndarray) -> Panel:
    strategy = m.get("px_mm_strategy", {})
    has_parallax = strategy.get("type") == "ParallaxCorrectedPxMmStrategy"
    gain = float(m.get("gain", 1.0))
    if not 0 < gain < math.inf:
        raise ValueError(f"a gain of {gain:g} is impossible")
    return Panel(
        fast_axis=rotation @ _vector(m["fast_axis"]),
        slow_axis=rotation @ _vector(m["slow_axis"]),
        origin=origin + rotation @ _vector(m["origin"]),
        pixel_size=(float(m["pixel_size"][0]), float(m["pixel_size"][1])),
        image_size=(int(m["image_size"][0]), int(m["image_size"][1])),
        trusted_range=(least_trusted(float(m["trusted_range"][0])), float(m["trusted_range"][1])),
        thickness=float(strategy.get("t0", m.get("thickness", 0.0))) if has_parallax else 0.0,
        mu=float(strategy.get("mu", m.get("mu", 0.0))) if has_parallax else 0.0,
        material=m.get("material", ""),
        gain=gain,
        pedestal=float(m.get("pedestal", 0.0)),
        name=m.get("name", "Panel"),
        type=m.get("type", "SENSOR_PAD"),
        identifier=m.get("identifier", ""),
        mask=tuple((int(r[0]), int(r[1]), int(r[2]), int(r[3])) for r in m.get("mask", ())),
    )


def least_trusted(written: float) -> float:
    """The lower end of a trusted range as Panel has it.

    Half a count less is written: DIALS up to 3.11 takes it for the greatest that is bad, later ones for the least
    that is good. As -1 stands for 0, a least count of -1 is written and kept as less than that.
    """
    if -1 <= written <= 0:
        return -1.0
    return -1.5 if -2 < written < -1 else float(math.ceil(written))


def _panel_to_json(panel: Panel) -> dict[str, Any]:
    strategy = "ParallaxCorrectedPxMmStrategy" if panel.has_parallax else "SimplePxMmStrategy"
    return {
        "name": panel.name,
        "type": panel.type,
        "fast_axis": panel.fast_axis,
        "slow_axis": panel.slow_axis,
        "origin": panel.origin,
        "raw_image_offset": [0, 0],
        "image_size": panel.image_size,
        "pixel_size": panel.pixel_size,
        "trusted_range": (panel.min_trusted - 0.5, panel.trusted_range[1]),  # in or out of it alike in every DIALS
        "thickness": panel.thickness,
        "material": panel.material,
        "mu": panel.mu,
        "identifier": panel.identifier,
        "mask": panel.mask,
        "gain": panel.gain,
        "pedestal": panel.pedestal,
        "px_mm_strategy": {"type": strategy},
    }


def _detector_to_json(detector: Detector) -> dict[str, Any]:
    root = {
        "name": "", "type": "", "fast_axis": [1.0, 0.0, 0.0], "slow_axis": [0.0, 1.0, 0.0],
        "origin": [0.0, 0.0, 0.0], "raw_image_offset": [0, 0], "image_size": [0, 0],
        "pixel_size": [0.0, 0.0], "trusted_range": [0.0, 0.0], "thickness": 0.0, "material": "",
        "mu": 0.0, "identifier": "", "mask": [], "gain": 1.0, "pedestal": 0.0,
        "px_mm_strategy": {"type": "SimplePxMmStrategy"},
        "children": [{"panel": n} for n in range(len(detector))],
    }  # fmt: skip
    return {"panels": [_panel_to_json(p) for p in detector.panels], "hierarchy": root}


def _goniometer(m: dict[str, Any]) -> Goniometer:
    if "axes" not in m:
        return Goniometer(_vector(m["rotation_axis"]), _matrix(m["fixed_rotation"]), _matrix(m["setting_rotation"]))
    return goniometer_from_axes(
        _vector(m["axes"]), tuple(m["names"]), tuple(map(float, m["angles"])), int(m["scan_axis"])
    )


def goniometer_from_axes(
    axes: np.ndarray, names: tuple[str, ...], angles: tuple[float, ...], scan_axis: int
) -> Goniometer:
    """A goniometer of (n, 3) axes from the crystal outwards, angles in degrees. Raises ValueError for an axis of 0."""
    lengths = np.linalg.norm(axes, axis=1, keepdims=True)
    if not np.all(lengths > 0):
        raise ValueError("an axis of the goniometer has no direction")
    axes = axes / lengths
    fixed, setting = np.eye(3), np.eye(3)
    for n, (axis, angle) in enumerate(zip(axes, angles, strict=True)):
        turn = rotation_matrix(axis, np.radians(angle))
        if n < scan_axis:
            fixed = turn @ fixed
        elif n > scan_axis:
            setting = turn @ setting
    return Goniometer(axes[scan_axis], fixed, setting, axes, names, angles, scan_axis)


def reversed_about_axis(goniometer: Goniometer) -> Goniometer:
    """The same goniometer with the scanned axis, and so the sense of its angle, reversed."""
    if goniometer.axes is None:
        return replace(goniometer, axis=-goniometer.axis)
    sign = np.ones(len(goniometer.axes))
    sign[goniometer.scan_axis] = -1
    angles = tuple(float(s * a) for s, a in zip(sign, goniometer.angles, strict=True))
    return goniometer_from_axes(goniometer.axes * sign[:, None], goniometer.names, angles, goniometer.scan_axis)


def _goniometer_to_json(goniometer: Goniometer) -> dict[str, Any]:
    if goniometer.axes is not None:
        return {
            "axes": goniometer.axes,
            "angles": goniometer.angles,
            "names": goniometer.names,
            "scan_axis": goniometer.scan_axis,
        }
    return {
        "rotation_axis": goniometer.axis,
        "fixed_rotation": goniometer.fixed.ravel(),
        "setting_rotation": goniometer.setting.ravel(),
    }


def _crystal(m: dict[str, Any]) -> Crystal:
    real = np.array([m["real_space_a"], m["real_space_b"], m["real_space_c"]], float)
    points = m.get("A_at_scan_points")
    covariance = m.get("B_covariance")
    setting, esd = np.linalg.inv(real), None
    own = m.get(OWN_KEY)
    if own and np.allclose(_matrix(own["A"]), setting, rtol=1e-9, atol=1e-12):
        setting, esd = _matrix(own["A"]), own["cell_esd"]
    return Crystal(
        setting,
        space_group_from_hall(m["space_group_hall_symbol"]),
        None if not points else np.array(points, float).reshape(-1, 3, 3),
        None if esd is None else tuple(map(float, esd)),
        None if covariance is None else np.array(covariance, float).reshape(9, 9),
    )


def space_group_from_hall(symbol: str) -> gemmi.SpaceGroup:
    """The space group of a Hall symbol, in the setting that the symbol describes."""
    group = gemmi.find_spacegroup_by_ops(gemmi.symops_from_hall(symbol))
    if group is None:
        raise KeyError(f"space group with Hall symbol {symbol!r}")
    return group


def _crystal_to_json(crystal: Crystal) -> dict[str, Any]:
    a, b, c = crystal.real_space
    entry = {
        "__id__": "crystal",
        "real_space_a": a,
        "real_space_b": b,
        "real_space_c": c,
        "space_group_hall_symbol": crystal.space_group.hall,
        OWN_KEY: {"A": crystal.A.ravel(), "cell_esd": crystal.cell_esd},
    }
    if crystal.A_at_scan_points is not None:
        entry["A_at_scan_points"] = crystal.A_at_scan_points.reshape(-1, 9)
    if crystal.B_covariance is not None:
        entry["B_covariance"] = crystal.B_covariance.ravel()
    return entry


def _profile(m: dict[str, Any]) -> ProfileModel | None:
    if m.get("__id__") != "gaussian_rs" or not isinstance(m["sigma_b"], (int, float)):
        return None
    spread = m.get(OWN_KEY, {}).get("spread", 0.0)
    return ProfileModel(float(m["sigma_b"]), float(m["sigma_m"]), float(m["n_sigma"]), float(spread))


def _profile_to_json(profile: ProfileModel) -> dict[str, Any]:
    return {
        "__id__": "gaussian_rs",
        "n_sigma": profile.n_sigma,
        "sigma_b": profile.sigma_b,
        "sigma_m": profile.sigma_m,
        OWN_KEY: {"spread": profile.spread},
    }


def _imageset(m: dict[str, Any]) -> ImageSet:
    template = m.get("template") or (m.get("images") or [""])[0]
    kind = "hdf5" if template.endswith((".h5", ".nxs", ".hdf5", ".nxs.h5")) else "cbf"
    indices = tuple(m.get("single_file_indices", ()))
    extra = {k: str(m[k]) for k in MAPS if m.get(k)}
    return ImageSet(kind, template, indices, extra)


def _imageset_to_json(imageset: ImageSet) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "__id__": "ImageSequence",
        "template": imageset.template,
        **{name: imageset.extra.get(name) for name in MAPS},
        "params": {"dynamic_shadowing": "Auto", "multi_panel": False},
    }
    if imageset.kind == "hdf5":
        entry["single_file_indices"] = imageset.indices
    return entry
