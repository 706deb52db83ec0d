#!/usr/bin/env python3
"""Read image files with autoproc and with DIALS and compare geometry and pixels.

    scripts/compare_frames.py FILE...

Needs DIALS: an interpreter that can `import dxtbx`, /usr/bin/python3 unless DIALS_PYTHON names
another. One line a file, with the largest difference of each model; exit status 1 where any differs
by more than 1e-4, or a pixel at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys

import installed  # noqa: F401  (says what to do where autoproc is not)
import numpy as np

from autoproc.errors import AutoprocError
from autoproc.formats.registry import open_reader, read_experiment
from autoproc.models.experiment import Experiment

TOLERANCE = 1e-4
COLUMNS = ("origin", "axes", "pixel_mm", "beam", "wavelength", "rotation", "fixed", "setting", "scan", "trusted",
           "sensor", "mask")  # fmt: skip
DIALS_SIDE = """
import hashlib, json, sys
import numpy as np
import dxtbx
for path in sys.stdin.read().split("\\n"):
    try:
        image = dxtbx.load(path)
        if hasattr(image, "get_num_images"):
            raw, p = image.get_raw_data(0), image.get_detector()[0]
        else:
            raw, p = image.get_raw_data(), image.get_detector()[0]
        beam, scan, goniometer = image.get_beam(), image.get_scan(), image.get_goniometer()
        pixels = (raw[0] if isinstance(raw, tuple) else raw).as_numpy_array().astype(np.int32)
        print(json.dumps(dict(
            origin=p.get_origin(), axes=p.get_fast_axis() + p.get_slow_axis(), pixel_mm=p.get_pixel_size(),
            beam=beam.get_sample_to_source_direction(), wavelength=[beam.get_wavelength()],
            rotation=goniometer.get_rotation_axis_datum() if goniometer else (1, 0, 0),
            fixed=goniometer.get_fixed_rotation() if goniometer else (1, 0, 0, 0, 1, 0, 0, 0, 1),
            setting=goniometer.get_setting_rotation() if goniometer else (1, 0, 0, 0, 1, 0, 0, 0, 1),
            scan=scan.get_oscillation() if scan else (0, 0), trusted=p.get_trusted_range(),
            sensor=(p.get_thickness(), p.get_mu()), mask=sorted(p.get_mask()),
            pixels=hashlib.sha256(pixels.tobytes()).hexdigest())))
    except Exception as error:
        print(json.dumps(dict(error=str(error)[:200] or repr(error))))
    sys.stdout.flush()
"""


def our_side(experiment: Experiment) -> dict[str, object]:
    """The same facts as DIALS_SIDE gives, of the first image."""
    panel, beam, goniometer = experiment.detector[0], experiment.beam, experiment.goniometer
    pixels = open_reader(experiment).read(0) + round(panel.pedestal)  # which DIALS leaves in what it reads
    return {
        "origin": panel.origin,
        "axes": [*panel.fast_axis, *panel.slow_axis],
        "pixel_mm": panel.pixel_size,
        "beam": beam.direction,
        "wavelength": [beam.wavelength],
        "rotation": goniometer.axis,
        "fixed": goniometer.fixed.ravel(),
        "setting": goniometer.setting.ravel(),
        "scan": experiment.scan.oscillation,
        "trusted": panel.trusted_range,
        "sensor": (panel.thickness, panel.mu),
        "mask": sorted(panel.mask),
        "pixels": hashlib.sha256(np.ascontiguousarray(pixels, np.int32).tobytes()).hexdigest(),
    }


def dials_side(paths: list[str]) -> list[dict[str, object]]:
    """What DIALS says of each file."""
    python = os.environ.get("DIALS_PYTHON", "/usr/bin/python3")
    how = "DIALS_PYTHON names an interpreter that can `import dxtbx`; or: apt install dials"
    try:
        answer = subprocess.run(
            [python, "-c", DIALS_SIDE], input="\n".join(paths), capture_output=True, text=True, check=False
        )
    except OSError as error:
        sys.exit(f"{sys.argv[0]}: {python} cannot be run ({error.strerror}): {how}")
    said = [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")]
    if len(said) < len(paths):
        complaint = (answer.stderr.strip().splitlines() or ["no word why"])[-1]
        at = f"stopped at {paths[len(said)]}" if said else "did not begin"
        sys.exit(f"{sys.argv[0]}: DIALS, by {python}, {at} ({complaint}): {how}")
    return said


def difference(ours: object, theirs: object) -> float:
    """The largest difference of two lists of numbers; infinite where they are not alike."""
    a, b = np.asarray(ours, float).ravel(), np.asarray(theirs, float).ravel()
    return float(np.max(np.abs(a - b), initial=0.0)) if a.shape == b.shape else float("inf")


def main(paths: list[str]) -> int:
    """Print the table; 1 if anything differs."""
    paths = [os.path.abspath(path) for path in paths]
    width = max(len(os.path.basename(path)) for path in paths)
    print(f"{'file':{width}} {' '.join(f'{c:>10}' for c in COLUMNS)} {'pixels':>9}")
    n_different = 0
    for path, theirs in zip(paths, dials_side(paths), strict=True):
        name = f"{os.path.basename(path):{width}}"
        try:
            ours = our_side(read_experiment(path))
        except AutoprocError as error:
            print(name, f"autoproc: {error}")
            ours = None
        if "error" in theirs or ours is None:
            print(name, f"DIALS: {theirs.get('error', 'reads it')}")
            n_different += ours is None and "error" not in theirs
            continue
        differences = [difference(ours[c], theirs[c]) for c in COLUMNS]
        same_pixels = ours["pixels"] == theirs["pixels"]
        print(name, " ".join(f"{d:10.2g}" for d in differences), f"{'identical' if same_pixels else 'DIFFER':>9}")
        n_different += max(differences) > TOLERANCE or not same_pixels
    print(f"{len(paths) - n_different} of {len(paths)} files agree to {TOLERANCE:g}, pixels to the bit")
    return int(n_different > 0)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
