from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from models_for_tests import experiment, scaled
from processed import processed_sweep
from shared_data import shared

from autoproc.formats.dials.expt import read_expt
from autoproc.formats.dials.image_numbers import to_scan_frames
from autoproc.formats.dials.refl import read_refl
from autoproc.models.reflections import Reflections
from autoproc.reports.files_report import experiment_of_each, files_page, resolution_of
from autoproc.stages.pipeline import Processing


@pytest.fixture(scope="module")
def processing(tmp_path_factory: pytest.TempPathFactory) -> Processing:
    return processed_sweep(tmp_path_factory)


def checked(page: str) -> str:
    for drawing in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ElementTree.fromstring(drawing)
        assert not re.search(r"\b(nan|inf)\b", drawing)
    return page


def test_every_stage_has_its_plots(processing: Processing):
    p = processing
    spots = checked(files_page("strong", [p.experiment], p.found.reflections))
    assert "Reflections per image" in spots
    assert "RMSD" not in spots
    indexed = checked(files_page("indexed", p.indexed.experiments, p.indexed.reflections))
    assert "RMSD over the detector, experiment 1" in indexed
    refined = checked(files_page("refined", p.refined.experiments, p.refined.reflections))
    assert "RMSD against image" in refined
    integrated = checked(files_page("integrated", p.integrated.experiments, p.integrated.reflections))
    assert "Profile correlation" in integrated
    assert "Merging" not in integrated
    final = checked(files_page("scaled", p.scaled.experiments, p.scaled.reflections))
    for words in ("Scale against image", "Rmerge against image", "Table 1", "Completeness"):
        assert words in final


def test_the_same_files_give_the_same_bytes(processing: Processing):
    arguments = "indexed", processing.indexed.experiments, processing.indexed.reflections
    assert files_page(*arguments) == files_page(*arguments)


def test_no_reflections_at_all(processing: Processing):
    for table in (processing.found.reflections, processing.indexed.reflections, processing.scaled.reflections):
        assert "Overview" in checked(files_page("none", processing.scaled.experiments, table[:0]))


def test_one_reflection_and_few_columns():
    made = experiment()
    assert "Overview" in checked(files_page("one", [made], scaled(made.crystal)[:1]))
    bare = Reflections({"experiment_id": np.zeros(3, int), "xyz_obs_px": np.full((3, 3), 5.0)})
    assert "Reflections per image" in checked(files_page("bare", [replace(made, crystal=None)], bare))


def test_more_experiments_than_are_drawn():
    made = experiment()
    table = scaled(made.crystal)
    page = checked(files_page("many", [made] * 30, table.replace(experiment_id=np.arange(len(table)) % 30)))
    assert len(page) < 400_000


def test_resolution_is_taken_from_spots_where_there_is_no_column(processing: Processing):
    p = processing
    d = resolution_of([p.experiment], p.found.reflections)
    assert np.all(np.isfinite(d))
    assert 1.5 < d.min() < 3.0


def test_unindexed_spots_belong_to_their_images():
    made = experiment()
    ids, images = np.array([0, -1, 1, -1, -1]), np.array([0, 0, 1, 1, 7])
    table = Reflections({"experiment_id": ids, "imageset_id": images})
    np.testing.assert_array_equal(experiment_of_each([made, made], table), [0, 0, 1, 1, 1])


def test_files_of_dials():
    folder = shared("real/phi_scan")
    experiments = read_expt(folder / "imported.expt")
    table = to_scan_frames(read_refl(Path(folder / "strong.refl")), experiments)
    assert "Reflections by resolution" in checked(files_page("strong", experiments, table))
