"""What is known of a sweep while it is collected, in words and in few numbers."""

from __future__ import annotations

from statistics import median

import pytest

from autoproc.models.image_facts import ImageFacts
from autoproc.service.following.followed import Followed
from autoproc.service.following.live_facts import (
    MOST_POINTS,
    curves,
    images_to_a_point,
    live_facts,
    stretches_of_numbers,
)
from autoproc.wording import ordinal


def told(rows, **changes):
    n_there = len(rows)
    said = {
        "n_there": n_there,
        "n_planned": None,
        "n_waiting": 0,
        "n_integrated": 0,
        "every": 1,
        "width": 0.1,
        "images": rows,
    }
    return {"message": "followed"} | said | changes


def probed(rotation=15.0, light="good", words=("lattice tP", "complete at 40 degrees"), n_images=30):
    report = {"rotation": rotation, "n_images": n_images}
    return {"message": "probed", "light": light, "words": words, "report": report}


def row(image, n_spots=100, d_min=1.5, on_ice=2, beside=2, level=4.0):
    return (image, n_spots, d_min, on_ice, beside, level)


def followed(*messages):
    one = Followed("/data/x_####.cbf", "x")
    one.take(messages)
    return one


def test_nothing_is_said_before_anything_is_known():
    assert followed().words == ""
    assert followed(told([])).words == ""


def test_the_latest_images_are_told_and_the_last_probe_before_them():
    rows = [row(n, n_spots=10) for n in range(1, 21)] + [row(n) for n in range(21, 41)]
    words = followed(told(rows), probed(), probed(30.0, "look", ("second lattice",))).words
    assert words == "after 30 degrees: second lattice; 100 spots an image, to 1.50 A"


def test_images_without_beam_are_those_with_far_less_between_the_spots():
    rows = [row(n, level=0.7 if n in (4, 5, 9) else 4.0) for n in range(1, 21)]
    one = followed(told(rows))
    assert one.dark == [4, 5, 9]
    assert "no beam on 3 images" in one.words
    assert followed(told([row(n, level=0.9) for n in range(1, 21)])).dark == []


def test_ice_is_told_where_more_is_on_its_rings_than_chance_puts_there():
    assert "ice" in followed(told([row(n, on_ice=30, beside=2) for n in range(1, 21)])).words
    assert "ice" not in followed(told([row(n, on_ice=30, beside=28) for n in range(1, 21)])).words


@pytest.mark.parametrize(("every", "words"), [(1, "3 not searched yet"), (2, "3 not searched yet, every 2nd first")])
def test_what_waits_is_told(every, words):
    assert followed(told([row(1)], n_there=4, n_waiting=3, every=every)).words.endswith(words)


def test_images_that_come_wait_until_they_are_searched():
    one = followed(told([row(1)], n_there=4, n_waiting=3))
    one.come(10)
    assert (one.n_there, one.n_waiting) == (10, 9)
    one.come(2)
    assert (one.n_there, one.n_waiting) == (10, 9)


def test_why_it_is_not_followed_is_told_until_it_is():
    why = {"message": "not followed", "why": "no such file", "details": ""}
    assert followed(why).words == "cannot be followed: no such file"
    assert "cannot" not in followed(why, told([row(1)])).words


def test_ordinals():
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 112, 113, 122)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th", "113th", "122nd",
    ]  # fmt: skip


def test_each_image_is_a_point_while_they_are_few():
    drawn = curves({n: ImageFacts(*row(n, n_spots=n)) for n in (3, 1, 7)})
    assert drawn["per_point"] == 1
    assert drawn["image"] == [1.0, 3.0, 7.0]
    assert drawn["n_spots"] == [1.0, 3.0, 7.0]


def test_points_of_many_images_are_medians_of_those_next_to_one_another():
    images = {
        n: ImageFacts(*row(n, n_spots=(n * 7919) % 1000, d_min=None if n < 51 else 1.5)) for n in range(1, 10_001)
    }
    drawn = curves(images)
    assert drawn["per_point"] == 50
    assert len(drawn["image"]) == 200 <= MOST_POINTS
    assert drawn["image"][:2] == [25.5, 75.5]
    assert drawn["n_spots"][3] == float(f"{median(images[n].n_spots for n in range(151, 201)):.4g}")
    assert drawn["d_min"][:2] == [None, 1.5]


@pytest.mark.parametrize(("last", "per_point"), [(MOST_POINTS, 1), (MOST_POINTS + 1, 2), (3600, 10), (10_000, 50)])
def test_images_to_a_point_are_a_round_number(last, per_point):
    assert images_to_a_point(1, last) == per_point
    assert images_to_a_point(100_001, 100_000 + last) == per_point


def test_no_image_is_no_curve():
    assert curves({}) == {"per_point": 1} | {
        key: [] for key in ("image", "n_spots", "d_min", "n_on_ice", "n_beside_ice", "level")
    }


def test_stretches():
    assert stretches_of_numbers([2, 3, 4, 9, 11, 12]) == [[2, 4], [9, 9], [11, 12]]
    assert stretches_of_numbers([]) == []


def test_the_facts_tell_all_of_it():
    rows = [row(n, level=0.1 if n == 4 else 4.0, on_ice=40) for n in range(1, 21)]
    facts = live_facts(followed(told(rows, n_there=25, n_planned=90, n_waiting=5, n_integrated=12, every=3), probed()))
    assert (facts["n_there"], facts["n_planned"], facts["n_searched"], facts["n_waiting"]) == (25, 90, 20, 5)
    assert facts["n_integrated"] == 12
    assert facts["backlog"] == "5 not searched yet, every 3rd first"
    assert (facts["n_dark"], facts["dark"], facts["is_icy"]) == (1, [[4, 4]], True)
    assert facts["probes"] == [
        {"rotation": 15.0, "n_images": 30, "light": "good", "words": ["lattice tP", "complete at 40 degrees"]}
    ]


def test_a_sweep_that_is_too_short_to_be_probed_is_told_so():
    one = Followed("/data/x_####.cbf", "x")
    said = {
        "message": "followed",
        "n_there": 1,
        "n_waiting": 0,
        "n_integrated": 0,
        "every": 1,
        "images": [(1, 50, 2.0, 0, 0, 1.0)],
    }
    one.take([said | {"n_planned": 100, "width": 0.1}])
    assert one.words == "not probed: 10 degrees are planned, and 15 are needed; 50 spots an image, to 2.00 A"
    one.take([said | {"n_planned": 150, "width": 0.1}])
    assert one.unprobed == ""
    one.take([said | {"n_planned": None, "width": 0.1}])
    assert one.unprobed == ""


def test_what_it_comes_to_so_far_and_what_is_held():
    one = Followed("/data/x_####.cbf", "x")
    said = {"n_there": 1, "n_planned": None, "n_waiting": 0, "n_integrated": 0, "every": 1, "width": 1.0,
            "images": [(1, 50, 2.0, 0, 0, 1.0)]}  # fmt: skip
    one.take([
        {"message": "followed"} | said,
        {"message": "provisional", "words": "so far: little", "report": {}},
        {"message": "ahead", "doing": "Integrating 40%"},
    ])  # fmt: skip
    latest = "50 spots an image, to 2.00 A"
    assert one.words == f"so far: little; {latest}; processed in case no more images come: Integrating 40%"
    one.take([{"message": "ahead", "doing": ""}])
    assert one.words == f"so far: little; {latest}"
