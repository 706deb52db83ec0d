from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoproc.commands.catalogue import STEPS
from autoproc.config import Config, fields_of_tables, with_command_line
from autoproc.overrides import UnknownParameter, split_arguments
from autoproc.spellings.dials_parameters import BY_STEP
from autoproc.spellings.translation import NothingLikeIt, OfAnotherStep, nearest, own_changes

TABLES = {step.name: step.table for step in STEPS}
FIELDS = fields_of_tables()


def of_step(step: str, argument: str) -> dict[str, str]:
    key, _, value = argument.partition("=")
    return own_changes(key, value, FIELDS, TABLES[step], TABLES)


@pytest.mark.parametrize(
    ("step", "argument", "changes"),
    [
        ("integrate", "prediction.d_min=1.8", {"integrate.d_min": "1.8"}),
        ("integrate", "nproc=4", {"run.n_threads": "4"}),
        ("integrate", "integration.mp.nproc=Auto", {"run.n_threads": "0"}),
        ("integrate", "profile.fitting=True", {}),
        ("find-spots", "spotfinder.threshold.dispersion.sigma_strong=5", {"find_spots.n_sigma_strong": "5"}),
        ("find-spots", "threshold.dispersion.sigma_strong=5", {"find_spots.n_sigma_strong": "5"}),
        ("find-spots", "sigma_strong=5", {"find_spots.n_sigma_strong": "5"}),
        ("find-spots", "sigma_background=5", {"find_spots.n_sigma_background": "5"}),
        ("find-spots", "min_spot_size=Auto", {"find_spots.min_spot_size": "3"}),
        ("find-spots", "min_spot_size=4", {"find_spots.min_spot_size": "4"}),
        ("find-spots", "resolution_range=50,2", {"find_spots.d_max": "50", "find_spots.d_min": "2"}),
        ("find-spots", "d_min=2", {"find_spots.d_min": "2"}),
        ("index", "indexing.known_symmetry.space_group=P43212", {"index.space_group": "P43212"}),
        ("index", "known_symmetry.unit_cell=78,78,38,90,90,90", {"index.unit_cell": "78,78,38,90,90,90"}),
        ("index", "detector.fix=all", {"index.refine_detector": "false"}),
        ("index", "refinement.parameterisation.scan_varying=False", {}),
        ("refine", "refinement.parameterisation.scan_varying=False", {"refine.scan_varying": "False"}),
        ("refine", "crystal.fix=all", {"refine.fix": "orientation,cell"}),
        ("refine", "outlier.algorithm=null", {"refine.outliers": "none"}),
        ("import", "slow_fast_beam_centre=1100,900", {"import_sweep.beam_centre": "900,1100"}),
        ("import", "geometry.detector.fast_slow_beam_centre=900,1100", {"import_sweep.beam_centre": "900,1100"}),
        ("import", "exclude_images=0:100:200", {"import_sweep.exclude_images": "100-200"}),
        ("import", "exclude_images=7,20-25", {"import_sweep.exclude_images": "7,20-25"}),
        ("scale", "exclude_images=1:20:25", {"scale.exclude_images": "1:20:25"}),
        ("scale", "error_model=None", {"scale.error_model": "false"}),
        ("scale", "physical.absorption_correction=False", {"scale.absorption_level": "off"}),
        ("scale", "absorption_level=medium", {"scale.absorption_level": "medium"}),
        ("scale", "scale.d_min=2", {"scale.d_min": "2"}),
        ("symmetry", "laue_group=auto", {"symmetry.laue_group": "none"}),
        ("symmetry", "best_monoclinic_beta=False", {"symmetry.monoclinic_setting": "C2"}),
        ("estimate-resolution", "misigma=2", {"estimate_resolution.misigma": "2"}),
        ("merge", "r_free_flags.fraction=0.1", {"merge.free_r_sets": "10"}),
        ("bravais-settings", "lepage_max_delta=2", {"bravais_settings.max_delta": "2"}),
    ],
)
def test_of_a_step(step, argument, changes):
    assert of_step(step, argument) == changes


@pytest.mark.parametrize(
    ("argument", "table", "field", "value"),
    [
        ("prediction.d_min=1.8", "integrate", "d_min", 1.8),
        ("spotfinder.filter.d_min=1.8", "find_spots", "d_min", 1.8),
        ("sigma_strong=5", "find_spots", "n_sigma_strong", 5),
        ("profile.fitting=False", "scale", "intensity_choice", "sum"),
        ("detector.fix=all", "refine", "fix", ("detector",)),
        ("nproc=Auto", "run", "n_threads", 0),
        ("d_min=2", "scale", "d_min", 2),
        ("misigma=1.5", "estimate_resolution", "misigma", 1.5),
        ("anomalous=False", "scale", "anomalous", False),
        ("cc_half=0.5", "estimate_resolution", "cc_half", 0.5),
        ("mtz.d_min=2.5", "export", "d_min", 2.5),
        ("small_molecule=true", "symmetry", "small_molecule", True),
        ("scale.error_model=None", "scale", "error_model", False),
        ("lepage_max_delta=1", "bravais_settings", "max_delta", 1),
    ],
)
def test_of_all_steps(argument, table, field, value):
    _, overrides = split_arguments([argument])
    assert getattr(getattr(with_command_line(Config(), overrides), table), field) == value


def test_parts_that_are_kept_fixed_add_up():
    _, overrides = split_arguments(["detector.fix=distance", "beam.fix=all", "crystal.fix=cell"])
    assert with_command_line(Config(), overrides).refine.fix == ("distance", "beam", "cell")


def test_ranges_of_images_add_up():
    _, overrides = split_arguments(["exclude_images=0:1:5", "exclude_images=0:9:9", "d_min=3", "d_min=2"])
    config = with_command_line(Config(), overrides)
    assert config.import_sweep.exclude_images == ("1-5", "9-9")
    assert config.scale.d_min == 2


@pytest.mark.parametrize(
    ("step", "argument", "told"),
    [
        ("scale", "model=KB", "absorption_level=off"),
        ("find-spots", "force_2d=True", "over several images"),
        ("import", "mosflm_beam_centre=100,100", "beam_centre="),
        ("import", "exclude_images=1:5:9", None),
        ("index", "detector.fix=distance", "autoproc refine"),
        ("integrate", "background.algorithm=null", "robust plane"),
        ("estimate-resolution", "isigma=1", "cc_half= or misigma="),
        ("scale", "output.html=x.html", "autoproc report"),
    ],
)
def test_what_has_no_equal_is_answered(step, argument, told):
    if told is None:  # ours by its name: its own check refuses the value
        assert of_step(step, argument) == {"import_sweep.exclude_images": "1:5:9"}
        return
    with pytest.raises(NothingLikeIt) as caught:
        of_step(step, argument)
    assert told in caught.value.advice


@pytest.mark.parametrize(
    ("step", "argument", "advice"),
    [
        ("find-spots", "exclude_images=0:3:4", "give exclude_images=3-4 to autoproc import"),
        ("integrate", "profile.fitting=False", "give intensity_choice=sum to autoproc scale"),
        ("scale", "sigma_strong=5", "give n_sigma_strong=5 to autoproc find-spots"),
    ],
)
def test_what_acts_elsewhere_is_sent_there(step, argument, advice):
    with pytest.raises(OfAnotherStep) as caught:
        of_step(step, argument)
    assert caught.value.advice == advice


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("predicton.d_min=2", "prediction.d_min (integrate.d_min here)"),
        ("scal.d_min=2", "did you mean scale.d_min?"),
        ("sigma_strng=5", "find_spots.n_sigma_strong"),
        ("find_spots.d_mn=2", "find_spots.d_min"),
        ("kernel=3", "find_spots.kernel_size"),
        ("krypton=3", "autoproc config"),
        ("somewhere.d_min=2", "find_spots.d_min"),
    ],
)
def test_a_hint_names_the_right_parameter(argument, words):
    with pytest.raises(UnknownParameter) as caught:
        with_command_line(Config(), dict([argument.split("=")]))
    assert words in caught.value.advice
    assert "decisions" not in caught.value.advice


@pytest.mark.parametrize(
    ("argument", "what", "advice"),
    [
        ("symetry.space_group=P3", "symetry.space_group", "did you mean symmetry.space_group?"),
        ("nonsense=3", "symmetry.nonsense", "`autoproc config symmetry` prints every parameter"),
    ],
)
def test_a_parameter_is_told_as_it_was_typed(argument, what, advice):
    with pytest.raises(UnknownParameter) as caught:
        of_step("symmetry", argument)
    assert (caught.value.message, caught.value.advice) == (f"there is no parameter {what}", advice)


def test_a_step_hints_at_its_own_parameters():
    with pytest.raises(UnknownParameter, match=r"scale\.anomolous.*did you mean scale\.anomalous\?"):
        of_step("scale", "anomolous=True")


@pytest.mark.parametrize(
    ("step", "argument", "words"),
    [
        ("merge", "free_r_set=10", "did you mean merge.free_r_sets?"),
        ("symmetry", "spacegroup=P4", "did you mean symmetry.space_group?"),
        ("export", "pets.n_merged=3", "did you mean export.n_merged?"),
        ("scale", "d_man=2", "did you mean scale.d_min or scale.d_max?"),
    ],
)
def test_what_is_less_like_it_is_not_hinted_at(step, argument, words):
    with pytest.raises(UnknownParameter) as caught:
        of_step(step, argument)
    assert caught.value.advice == words


@pytest.mark.parametrize("step", ["symmetry", "scale"])
def test_a_reference_belongs_to_combine(step):
    with pytest.raises(NothingLikeIt) as caught:
        of_step(step, "reference=x.mtz")
    assert "autoproc combine" in caught.value.advice


def test_several_meanings_are_listed():
    with pytest.raises(UnknownParameter, match="say which: "):
        with_command_line(Config(), {"method": "fft1d"})


@settings(max_examples=40)
@given(key=st.text(st.characters(codec="ascii", categories=("L", "N", "P")), max_size=30), value=st.text(max_size=10))
def test_any_name_is_taken_or_refused(key, value):
    changes: dict[str, str] = {}
    with suppress(UnknownParameter, NothingLikeIt):
        changes = own_changes(key, value, FIELDS)
    assert all("." in name for name in changes)


@pytest.mark.parametrize("step", BY_STEP)
def test_every_spelling_is_found_by_its_whole_path(step):
    for spelling in BY_STEP[step]:
        try:
            changes = own_changes(spelling.path, "1,2", FIELDS, TABLES[step], TABLES)
        except (NothingLikeIt, OfAnotherStep):
            continue
        assert set(changes) <= set(spelling.fields) | {f"{TABLES[step]}.{spelling.path}"}


def test_nothing_near_points_to_the_list():
    assert nearest("zzzz", FIELDS) == "`autoproc config` prints every parameter"
