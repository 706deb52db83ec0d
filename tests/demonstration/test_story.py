"""The story is told as it happens: what is said of each thing, when it is over, and what is missing."""

from __future__ import annotations

import pytest
from demonstrated import RESULT, Time, collected, new_story, result, whole_story

from autoproc.demonstration.crystals import CRYSTALS, N_IMAGES
from autoproc.demonstration.story import FEW, TOGETHER, figures_in_words, result_texts

DOUBT = {"name": "ice", "verdict": "bad", "says": "ice: much", "lacks": ""}


def texts(lines):
    return [line.text for line in lines]


def live(name, n_searched, **curves):
    return {
        "name": name,
        "n_searched": n_searched,
        "curves": {"n_spots": [300, 310, 320], "d_min": [2.4]} | curves,
    }


def test_images_are_told_of_at_the_first_and_at_the_last():
    time = Time()
    story = new_story(time)
    time.now = 4.0
    lines = collected(story, "demo_2")
    assert [line.who for line in lines] == ["demo_2"] * 3
    assert "split" in lines[0].text
    assert "not told" in lines[0].text
    assert f"1 of {N_IMAGES}" in lines[1].text
    assert "last" in lines[2].text
    assert story.crystals["demo_2"].n_written == N_IMAGES
    assert story.times == {"first image": 4.0}


def test_spots_are_told_of_once_when_there_are_enough():
    story = new_story()
    assert story.live(live("demo_1", FEW - 1)) == []
    (line,) = story.live(live("demo_1", FEW))
    assert line.text == "spots found: 310 an image, to 2.40 A"
    assert story.live(live("demo_1", 40)) == []
    assert story.crystals["demo_1"].n_searched == 40


def test_spots_that_reach_nowhere_are_told_of_without_a_limit():
    (line,) = new_story().live(live("demo_1", FEW, d_min=[None]))
    assert line.text == "spots found: 310 an image"


def test_other_sweeps_are_nobodys():
    story = new_story()
    assert story.live(live("else", 20)) == []
    assert story.event(result("else")) == []


def test_a_verdict_has_its_light():
    story = new_story()
    (line,) = story.event({"event": "probed", "sweep": "demo_2", "light": "look", "text": "after 15 degrees: two"})
    assert (line.text, line.light) == ("the probe says LOOK after 15 degrees: two", "look")
    assert story.crystals["demo_2"].light == "look"
    assert list(story.times) == ["first verdict"]


def test_a_result_has_its_figures_and_its_latency():
    story = new_story()
    line = story.event(result("demo_1"))[0]
    assert line.text == (
        "result 17 s after the last image: P 41 21 2, 50.2 50.2 38.4, "
        "2.30 A, 90.0% complete, multiplicity 5.8, Rmeas 0.031, CC1/2 0.999"
    )
    assert line.light == "good"


def test_a_crystal_that_was_not_probed_in_time_is_told_of():
    story = new_story()
    assert "before it was probed" in texts(story.event(result("demo_1")))[-1]
    story.event({"event": "probed", "sweep": "demo_2", "light": "good", "text": "after 15 degrees: one"})
    assert not any("probed" in text for text in texts(story.event(result("demo_2"))))
    assert not any("probed" in text for text in texts(story.event(result(TOGETHER, members={"demo_1": 1}))))


def test_figures_that_are_not_known_are_left_out():
    assert figures_in_words({"d_min": 2.0, "r_meas": None}) == "2.00 A"


def test_a_second_lattice_is_told_of_with_what_was_decided():
    lines = new_story().event(result("demo_2", n_lattices=2, verdict="look"))
    assert texts(lines)[1] == "2 lattices found; decided: look for lattice 2, for 40% are on no lattice"
    assert [line.light for line in lines][:2] == ["look", ""]


def test_what_is_doubtful_is_told():
    first, second, *_ = new_story().event(result("demo_1", verdict="bad", look_at=["ice"], doubts=[DOUBT]))
    assert (first.light, second.text) == ("stop", "beware: ice")


def test_what_it_comes_to_so_far_is_told():
    (line,) = new_story().event({"event": "provisional", "sweep": "demo_1", "text": "so far: 61%"})
    assert line.text == "so far: 61%"


def test_damage_is_told_of_with_what_was_kept():
    story = new_story()
    story.event(result("demo_3"))
    (said,) = result_texts(story.crystals["demo_3"])[1:]
    assert said == (
        "damage: intensities change by 21% over the sweep, B grows by 6.2 A^2; "
        "decided: leave out the last 40% of the images, for B grows"
    )


def test_the_whole_story_is_over_and_lacks_nothing():
    story, lines = whole_story()
    assert story.is_over
    assert story.missing == []
    assert "set aside: demo_3: the others agree better without it" in texts(lines)
    assert set(story.times) == {"first image", "combined data set"} | {f"result of {one.name}" for one in CRYSTALS}


def test_it_is_not_over_before_the_combined_set_is_of_all():
    story = new_story()
    for crystal in CRYSTALS[:2]:
        collected(story, crystal.name)
        story.event(result(crystal.name))
    story.event(result(TOGETHER, members={"demo_1": 1, "demo_2": 1}))
    assert not story.is_over
    story.event(result("demo_3"))
    assert not story.is_over, "it is of two"
    assert story.missing == [f"{TOGETHER}: it is of 2 crystals, not of 3"]
    story.event({"event": "again", "sweep": TOGETHER, "n_sweeps": 3})
    story.event(result(TOGETHER, members=dict.fromkeys(story.crystals, 1)))
    assert story.is_over
    assert story.missing == []


def test_a_crystal_that_fails_is_missing_and_the_others_are_awaited():
    story = new_story()
    for crystal in CRYSTALS:
        collected(story, crystal.name)
    (line,) = story.event({"event": "failed", "sweep": "demo_1", "error": "no spots", "hint": "look"})
    assert (line.text, line.light) == ("failed: no spots; look", "stop")
    story.event(result("demo_2"))
    assert not story.is_over
    story.event(result("demo_3"))
    assert not story.is_over
    story.event(result(TOGETHER, members={"demo_2": 1, "demo_3": 1}))
    assert story.is_over
    assert story.missing == ["demo_1: its result (no spots)", f"{TOGETHER}: it is of 2 crystals, not of 3"]


def test_a_group_that_is_not_combined_ends_it():
    story = new_story()
    for crystal in CRYSTALS:
        collected(story, crystal.name)
        story.event(result(crystal.name))
    story.event({"event": "not combined", "sweep": TOGETHER, "error": "no two agree", "members": {}})
    assert story.is_over
    assert story.missing == [f"{TOGETHER}: the combined data set (no two agree)"]


def test_one_crystal_alone_is_no_group():
    story = new_story()
    story.event(result("demo_1"))
    for name in ("demo_2", "demo_3"):
        story.event({"event": "failed", "sweep": name, "error": "e", "hint": None})
    assert story.is_over


@pytest.mark.parametrize("n", [0, 5])
def test_images_that_did_not_come_are_counted(n):
    story = new_story()
    if n:
        collected(story, "demo_1", n)
    assert story.missing[0] == f"demo_1: {n} of {N_IMAGES} images were written, and there is no result"


def test_trouble_of_the_program_is_told():
    (line,) = new_story().event({"event": "trouble", "sweep": None, "text": "the disk is full"})
    assert (line.who, line.text, line.light) == ("", "the disk is full", "look")


def test_that_the_program_watches_is_known():
    story = new_story()
    assert story.watched_at is None
    story.event({"event": "begin", "sweep": None, "text": "watching /d"})
    assert story.watched_at == 0.0


def test_a_late_look_at_images_does_not_change_what_is_done():
    story = new_story()
    story.event(RESULT | {"sweep": "demo_1"})
    assert story.live(live("demo_1", 72)) == []
