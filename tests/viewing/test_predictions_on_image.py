"""What is predicted for one image is what integration predicts for the sweep, on that image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from processed import processed_sweep

from autoproc.formats.registry import open_reader
from autoproc.integration.predict import predict
from autoproc.viewing.image_cache import BoundedCache
from autoproc.viewing.images import SweepOfImages
from autoproc.viewing.predictions_on_image import TooManyToPredict, predictions_on_image


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    models = tuple(processed_sweep(tmp_path_factory).integrated.experiments)
    reader = open_reader(models[0])
    return SweepOfImages("demo", 0, (0, 1), models, reader, reader.mask, BoundedCache(1 << 20), "demo")


@pytest.mark.parametrize("frame", [0, 11, 29])
def test_the_same_as_for_the_whole_sweep(sweep, frame):
    told = predictions_on_image(sweep, frame + sweep.first)["columns"]
    found = {
        (lattice, *hkl, round(place[2])): place
        for lattice, hkl, place in zip(told["lattice"], told["hkl"], told["place"], strict=True)
    }
    n = 0
    for index, model in enumerate(sweep.models):
        whole = predict(model)
        on_image = np.floor(whole.xyz[:, 2]) == frame
        for hkl, place in zip(whole.hkl[on_image], whole.xyz[on_image], strict=True):
            assert found[(index, *hkl, round(float(np.round(place[2], 2))))] == pytest.approx(place, abs=0.02)
            n += 1
    assert n > 20


def test_a_stack_has_those_of_its_images(sweep):
    first = sweep.first + 4
    alone = [predictions_on_image(sweep, first + k)["columns"]["hkl"] for k in range(3)]
    together = predictions_on_image(sweep, first, 3)["columns"]["hkl"]
    assert {tuple(hkl) for one in alone for hkl in one} == {tuple(hkl) for hkl in together}


def test_models_without_a_crystal_predict_nothing(sweep):
    from dataclasses import replace

    bare = replace(sweep, models=tuple(replace(model, crystal=None) for model in sweep.models))
    assert predictions_on_image(bare, sweep.first)["n"] == 0


@pytest.mark.parametrize(("edge", "n"), [(1e5, 1), (300.0, 3000)])
def test_absurd_cells_and_numbers_of_crystals_hold_nobody_up(sweep, edge, n):
    model = sweep.models[0]
    crystal = replace(model.crystal, A=np.eye(3) / edge, A_at_scan_points=None)
    absurd = replace(sweep, models=(replace(model, crystal=crystal),) * n, members=tuple(range(n)))
    with pytest.raises(TooManyToPredict, match="too many"):
        predictions_on_image(absurd, sweep.first)
    assert predictions_on_image(absurd, sweep.first, d_min=1e4)["n"] < 1000
