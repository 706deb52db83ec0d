"""What is looked at is told from what was named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from models_for_tests import experiment

from autoproc.formats.dials.expt import write_expt
from autoproc.viewing.images import ImageRoom
from autoproc.viewing.subject import (
    IMAGES,
    FileGone,
    ImagesElsewhere,
    NothingToSee,
    NotOneSubject,
    Subject,
    subject_of_files,
    subject_of_results,
)


def test_stages_are_in_their_order(tmp_path):
    (tmp_path / "stages").mkdir()
    for name in ("scaled.expt", "imported.expt", "refined.expt", "refined.refl"):
        (tmp_path / "stages" / name).touch()
    subject = subject_of_results("lyso", tmp_path)
    assert subject.stages == ("imported", "refined", "scaled")
    assert tuple(subject.tables) == ("refined",)


def test_a_stage_without_a_table_is_said():
    with pytest.raises(NothingToSee, match="lyso has no reflections of the stage 'scaled'"):
        Subject("lyso").reflections("scaled")


def test_models_with_their_table():
    subject = subject_of_files([Path("a.refl"), Path("b.expt")])
    assert subject.stages == ("b",)
    assert subject.tables == {"b": Path("a.refl")}


@pytest.mark.parametrize(
    ("named", "stages"),
    [(["a.expt", "a.refl", "b.expt", "b.refl"], ("a", "b")),
     (["x/a.expt", "y/a.expt", "1.refl", "2.refl"], ("x/a", "y/a")),
     (["x/a.expt", "z/x/a.expt", "1.refl", "2.refl"], ("1: x/a.expt", "2: z/x/a.expt"))],
)  # fmt: skip
def test_several_models_each_with_their_table(named, stages):
    subject = subject_of_files([Path(name) for name in named])
    assert subject.stages == stages
    assert [str(path) for path in subject.tables.values()] == [name for name in named if name.endswith("refl")]


def test_images_alone():
    assert subject_of_files([Path("a_00001.cbf"), Path("a_00002.cbf")]).stages == (IMAGES,)


@pytest.mark.parametrize(
    "named",
    [[], ["a.refl"], ["a.expt", "b.expt"], ["a.expt", "a.refl", "b.refl"], ["a.expt", "b.cbf"], ["a.refl", "b.cbf"]],
)
def test_what_is_not_one_subject_is_said(named):
    with pytest.raises(NotOneSubject):
        subject_of_files([Path(name) for name in named])


@pytest.mark.parametrize(
    "template",
    ["/etc/shadow", "{own}/../other/x_####.cbf", "{own}/way_out/x_####.cbf", "{own}_2/x_####.cbf",
     "{own}/../own_2/x_####.cbf", "x_####.cbf", "{own}/%2e%2e/../../other/x_####.cbf"],
)  # fmt: skip
def test_models_do_not_lead_to_images_that_are_not_the_sweeps(tmp_path, template):
    own, other = tmp_path / "own", tmp_path / "other"
    own.mkdir(), other.mkdir()
    (own / "way_out").symlink_to(other)
    edited = experiment()
    edited = replace(edited, imageset=replace(edited.imageset, template=template.format(own=own)))
    write_expt(tmp_path / "scaled.expt", [edited])
    subject = Subject("x", {"scaled": tmp_path / "scaled.expt"}, folders=(own,))
    with pytest.raises(ImagesElsewhere, match="not where the images of this sweep lie"):
        ImageRoom().sweep(subject, "scaled")


def test_models_that_a_user_has_named_lead_wherever_they_say_and_others_below_their_folders(tmp_path):
    anywhere = Subject("x")
    anywhere.require_own_images(experiment())
    own = Subject("x", folders=(tmp_path, Path("/data")))
    own.require_own_images(experiment())  # of /data/a visit
    own.require_own_images(replace(experiment(), imageset=None))
    with pytest.raises(ImagesElsewhere):
        replace(own, folders=()).require_own_images(experiment())


@pytest.mark.parametrize("name", ["nowhere.cbf", "nowhere.expt"])
def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path, name):
    subject = subject_of_files([tmp_path / name])
    with pytest.raises(FileGone, match="cannot be read: No such file"):
        subject.experiments(subject.stages[0])
