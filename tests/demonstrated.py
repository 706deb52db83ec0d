"""What beamline and program tell of a demonstration, for tests of its story."""

from __future__ import annotations

from autoproc.demonstration.crystals import CRYSTALS, N_IMAGES
from autoproc.demonstration.story import TOGETHER, Story

RESULT = {
    "event": "processed", "status": "processed", "space_group": "P 41 21 2",
    "unit_cell": [50.2, 50.2, 38.4, 90, 90, 90], "d_min": 2.296, "completeness": 90.04, "multiplicity": 5.8,
    "i_over_sigma": 65.1, "r_meas": 0.0312, "r_pim": 0.012, "cc_half": 0.99931, "n_images": 72, "n_images_used": 72,
    "n_lattices": 1, "verdict": "good", "latency": 17.4,
}  # fmt: skip
SUMMARIES = {
    "demo_2": {"decisions": [
        {"stage": "index", "what": "search the beam centre", "because": "few spots indexed", "kept": False},
        {"stage": "index", "what": "look for lattice 2", "because": "40% are on no lattice; x", "kept": True},
    ]},
    "demo_3": {
        "damage": {"is_significant": True, "change": 0.213, "b_growth": 6.21},
        "decisions": [
            {"stage": "scale", "what": "leave out the last 40% of the images", "because": "B grows; x", "kept": True},
            {"stage": "scale", "what": "leave out the last 60% of the images", "because": "too few", "kept": False},
        ],
    },
}  # fmt: skip


class Time:
    """Seconds since the command was given, as the test has it."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def new_story(time=None):
    return Story(CRYSTALS, lambda name: SUMMARIES.get(name, {}), time or Time())


def result(name, **more):
    return RESULT | {"sweep": name} | more


def collected(story, name, n=N_IMAGES):
    return [line for image in range(n + 1) for line in story.beamline({"crystal": name, "image": image})]


def whole_story(time=None):
    """A story that has come to its good end, and all its lines."""
    story = new_story(time)
    lines = []
    for crystal in CRYSTALS:
        lines += collected(story, crystal.name)
        lines += story.event({"event": "started", "sweep": crystal.name})
        lines += story.event(result(crystal.name, n_lattices=2 if crystal.name == "demo_2" else 1))
    lines += story.event({"event": "found", "sweep": TOGETHER, "n_sweeps": 3})
    members = {crystal.name: 1 for crystal in CRYSTALS}
    aside = {"demo_3": {"demo_3": "the others agree better without it"}}
    lines += story.event(result(TOGETHER, members=members, aside=aside, latency=None, completeness=100.0))
    return story, lines
