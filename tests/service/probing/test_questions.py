"""Questions and answers travel as JSON: whole, whatever the names; nothing else comes back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoproc.formats.sweeps import ImageSeries
from autoproc.service.probing.questions import (
    Answered,
    CutOff,
    FramesOf,
    FramesSeen,
    KindOf,
    NamedImages,
    Pace,
    PaceOf,
    SweepsOfCbf,
    SweepsOfMaster,
    SweepsOfSeries,
    Unanswered,
    answer_bytes,
    problem_bytes,
    question_bytes,
    read_answer,
    read_question,
)
from autoproc.service.sweeps.found_sweep import FoundSweep, ListedImages
from autoproc.service.sweeps.series_verdict import SeriesVerdict
from autoproc.stages.import_sweep import Skipped

# As os.fsdecode gives them: bytes that are no UTF-8 are lone surrogates.
names = st.binary(min_size=1, max_size=20).filter(lambda b: b"\0" not in b and b"/" not in b and b != b".").map(
    lambda b: b.decode("utf-8", "surrogateescape")
)  # fmt: skip
paths = names.map(lambda name: Path("/data") / name)
verdicts = st.builds(SeriesVerdict, st.sampled_from(["complete", "partial"]), names, st.floats(0, 1e9))
numbers = st.integers(0, 10**12)
sweeps = st.builds(
    FoundSweep, paths, st.sampled_from(["cbf", "hdf5"]), st.none() | st.tuples(numbers, numbers), numbers, names,
    st.sampled_from(["complete", "partial"]), names, names, names, st.floats(0, 1e10),
)  # fmt: skip
listed = st.builds(ListedImages, paths, numbers, st.sampled_from(["stills", "test", "unreadable"]), names)
questions = st.one_of(
    st.builds(KindOf, paths),
    st.builds(PaceOf, paths),
    st.builds(CutOff, paths, st.dictionaries(names, numbers)),
    st.builds(FramesOf, paths),
    st.builds(SweepsOfCbf, paths, names, st.dictionaries(numbers, names), names, verdicts, st.floats(0, 1e10)),
    st.builds(SweepsOfMaster, paths, names, verdicts, st.floats(0, 1e10)),
    st.builds(SweepsOfSeries, st.builds(ImageSeries, st.just("cbf"), paths, st.dictionaries(numbers, paths)), names),
)


@given(questions)
def test_questions_arrive_as_they_were_asked(question):
    assert read_question(question_bytes(question)) == question


@given(st.lists(sweeps | listed).map(tuple), paths)
def test_sweeps_arrive_as_they_were_found(found, path):
    question = SweepsOfMaster(path, "", SeriesVerdict("complete"), 0.0)
    assert read_answer(question, answer_bytes(question, found)) == found


@given(st.lists(sweeps).map(tuple), st.lists(st.builds(Skipped, paths, numbers, names, names)).map(tuple))
def test_named_images_arrive_as_they_were_found(found, skipped):
    question = SweepsOfSeries(ImageSeries("cbf", Path("/x_#.cbf"), {1: Path("/x_1.cbf")}), "x")
    answer = NamedImages(found, skipped)
    assert read_answer(question, answer_bytes(question, answer)) == answer


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (KindOf(Path("/x")), "cbf"),
        (PaceOf(Path("/x")), Pace(None, 0.5)),
        (PaceOf(Path("/x")), Pace(is_known=False)),
        (CutOff(Path("/x"), {"a": 1}), ("a",)),
        (FramesOf(Path("/x")), FramesSeen(4, 9, ((1, 3), (6, 6)), None, True, "data_1.h5 is missing")),
    ],
)
def test_other_answers_arrive_as_they_were_given(question, answer):
    assert read_answer(question, answer_bytes(question, answer)) == answer


def test_an_error_raised_on_purpose_is_raised_again():
    with pytest.raises(Answered, match="damaged {what}: copy it again"):
        read_answer(KindOf(Path("/x")), problem_bytes("error", "damaged {what}", "copy it again"))


def test_a_failure_names_the_file():
    with pytest.raises(Unanswered) as caught:
        read_answer(KindOf(Path("/data/x")), problem_bytes("failed", "cannot be told (KeyError: 'a')"))
    assert caught.value.message == "cannot be told (KeyError: 'a')"
    assert caught.value.facts["details"] == ""
    assert "/data/x" in caught.value.advice


@pytest.mark.parametrize(
    "said",
    [
        b"", b"{", b"\xff", b"[]", b"{}", b"null", b'"ready"', b"[" * 100000, b'{"answer": {"n_present": "x"}}',
        b'{"answer": null}', b'{"answer": [1]}', b'{"error": 3}', b'{"failed": {"message": "x"}}',
        json.dumps({"answer": {"n_present": 1, "n_frames": 1, "missing": 7, "n_expected": 1, "is_sure": 1,
                               "obstacle": ""}}).encode(),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_no_answer(said):
    with pytest.raises(Unanswered, match="makes no sense"):
        read_answer(FramesOf(Path("/x")), said)


def test_more_than_was_asked_for_is_no_answer():
    facts = json.loads(answer_bytes(PaceOf(Path("/x")), Pace()))
    facts["answer"]["command"] = "rm"
    with pytest.raises(Unanswered):
        read_answer(PaceOf(Path("/x")), json.dumps(facts).encode())
