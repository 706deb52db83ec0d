"""Groups are processed after their sweeps, once, and again when these change."""

from __future__ import annotations

import itertools

import pytest
from queue_for_tests import Service, found

from autoproc.service.events import event_lines
from autoproc.service.groups.grouping import Grouping, GroupStanding, found_group, groups_of, tell_sweeps
from autoproc.service.groups.params import GroupParams
from autoproc.service.job_queue.job import JobState
from autoproc.service.results.outputs import Outputs, home_of
from autoproc.service.sweeps.sample_groups import SampleGroup, SweepPlace
from autoproc.service.sweeps.sweep_names import folder_name, from_one_name, group_folder, in_one_name


class Grouped(Service):
    """A service whose groups are looked after."""

    def begin(self, params=None, only=None):
        self.now = 0.0
        self.grouping = Grouping(self.queue, self.outputs, params or GroupParams(), self.hear, only, lambda: self.now)
        self.only = only
        return self

    def hear(self, event):
        super().hear(event)
        if hasattr(self, "grouping"):
            self.grouping(event)

    def look(self):
        self.now += 10
        self.grouping.poll()

    def work_off(self):
        for _ in range(6):
            self.look()
            self.work()
        assert self.grouping.is_settled

    def taken(self, *sweeps):
        self.intake.take(*sweeps)
        return self


@pytest.fixture
def service(tmp_path):
    service = Grouped(tmp_path / "out")
    yield service
    service.close()


@pytest.fixture
def image(tmp_path):
    def written(name, content="", **changes):
        path = tmp_path / f"{name}.img"
        path.write_text(content or f"the images of {name}")
        return found(path, **changes)

    return written


def merged(service, name):
    return (service.outputs.results(name) / "merged.mtz").read_bytes()


def test_a_group_follows_its_sweeps(service, image):
    service.begin().taken(image("x_1"), image("x_2"), image("y_1"))
    service.work_off()
    job = service.queue.named("combined/x")
    assert job.state is JobState.processed
    assert job.kind == "combined"
    assert job.result["members"] == {"x_1": 1, "x_2": 1}
    assert merged(service, "combined/x") == merged(service, "x_1") + merged(service, "x_2")
    assert service.told("processed")[-1] == "combined/x"
    assert [job.name for job in service.queue.rows()] == ["x_1", "x_2", "y_1", "combined/x"]
    assert list(service.outputs.work.iterdir()) == []
    lines = [line for event in service.events for line in event_lines(event) if "together" in line]
    assert lines == ["combined/x: 34 images of 2 sweeps together"]


def test_the_sweeps_of_a_group_are_told_that_they_are_part_of_it(service, image):
    service.begin().taken(image("x_1"), image("x_2"), image("y_1"))
    service.work_off()
    told = {job.name: job.result.get("group", {}).get("name") for job in service.queue.rows()}
    assert told == {"x_1": "combined/x", "x_2": "combined/x", "y_1": None, "combined/x": None}
    service.queue.reprocess("x_2", {})
    service.work_off()
    assert service.queue.named("x_2").result["group"]["words"].startswith("part of combined/x")


def test_the_sweeps_of_a_group_that_fails_are_part_of_none(service, image):
    service.begin().taken(image("x_1"), image("x_2"))
    service.work_off()
    members = service.queue.named("combined/x").result["members"]
    for status in ("failed", "not_combined"):
        result = {"status": status, "members": members}
        told = tell_sweeps(service.queue, service.queue.named("combined/x"), result)
        assert "group" not in service.queue.named("x_1").result
        assert told == ({"x_1": GroupStanding(1, None), "x_2": GroupStanding(1, None)} if status == "failed" else {})
    assert tell_sweeps(service.queue, service.queue.named("x_1"), {"status": "processed", "members": members}) == {}


def test_the_results_of_the_sweeps_lead_to_the_group(service, image):
    service.begin().taken(image("x_1"), image("x_2"))
    service.work()
    for name in ("x_1", "x_2"):
        place = service.outputs.results(name)
        (place / "summary.txt").write_text(f"sweep {name}\n\nPROCESSED    P 1\n")
        (place / "parameters.json").write_text('{"run": 1, "settings": {}}')
    service.work_off()
    text = (service.outputs.results("x_1") / "summary.txt").read_text()
    assert "\n\nGROUP        part of combined/x, which is not complete yet; see combined/x/summary.txt\n\nPROC" in text


def test_nothing_is_done_twice(service, image):
    service.begin().taken(image("x_1"), image("x_2"))
    service.work_off()
    service.begin().work_off()  # as after a restart
    assert service.queue.named("combined/x").run == 1


def test_a_late_sweep_updates_its_group(service, image):
    service.begin().taken(image("x_1"), image("x_2"))
    service.work_off()
    service.taken(image("x_3")).work_off()
    job = service.queue.named("combined/x")
    assert list(job.result["members"]) == ["x_1", "x_2", "x_3"]
    assert job.run == 2
    assert len(merged(service, "combined/x")) == 3 * len(merged(service, "x_1"))


def test_a_sweep_that_is_done_anew_updates_its_group(service, image):
    service.begin().taken(image("x_1"), image("x_2"))
    service.work_off()
    service.queue.reprocess("x_2", {})
    service.look()
    assert service.queue.named("combined/x").state is JobState.processed  # it waits for its sweep
    service.work_off()
    service.begin().work_off()
    assert service.queue.named("combined/x").result["members"] == {"x_1": 1, "x_2": 2}


def test_a_group_waits_while_one_of_its_sweeps_is_open(service, image):
    service.begin().taken(image("x_1"), image("x_2"))
    service.work_off()
    service.taken(image("x_3"))
    service.look()
    assert service.queue.named("combined/x").state is JobState.processed


def test_failed_sweeps_are_left_out_and_one_alone_is_no_group(service, image):
    service.begin().taken(image("bad_1"), image("bad_2"), image("z_1"))
    service.work_off()
    assert [job.name for job in service.queue.rows()] == ["bad_1", "bad_2", "z_1"]


def test_deleted_results_of_a_group_are_made_again(service, image):
    service.begin().taken(image("x_1"), image("x_2"))
    service.work_off()
    (service.outputs.results("combined/x") / "summary.json").unlink()
    service.begin().work_off()
    assert service.queue.named("combined/x").run == 2


def test_cancelled_groups_stay_so(service, image):
    service.begin().taken(image("x_1"), image("x_2"))
    service.work()
    service.look()
    service.queue.cancel("combined/x")
    service.begin().work_off()
    assert service.queue.named("combined/x").state is JobState.cancelled


def test_a_run_of_named_sweeps_waits_for_their_groups_only(service, image):
    service.taken(image("x_1"), image("x_2"), image("y_1"), image("y_2"))
    service.work()
    only = [service.queue.named("y_1").id]
    service.begin(only=only)
    service.work_off()
    assert service.queue.by_name("combined/x") is None
    assert only == [service.queue.named("y_1").id, service.queue.named("combined/y").id]


def test_a_group_that_is_asked_for_anew_is_done_by_a_run_of_named_sweeps(service, image):
    service.begin().taken(image("x_1"), image("x_2"))
    service.work_off()
    service.queue.reprocess("combined/x", {"scale.d_min": "2.5"})
    only = [service.queue.named("x_1").id, service.queue.named("x_2").id]
    service.begin(only=only).look()
    assert only[2:] == [service.queue.named("combined/x").id]
    service.look()
    assert len(only) == 3


def test_a_group_whose_program_died_is_done_by_the_next_run_of_its_sweeps(service, image):
    service.begin().taken(image("x_1"), image("x_2"))
    service.work()
    service.look()
    job = service.queue.claim("program that died", 60.0)
    assert (job.name, job.state) == ("combined/x", JobState.running)
    only = [service.queue.named("x_1").id, service.queue.named("x_2").id]
    service.begin(only=only).look()
    assert only[2:] == [job.id]
    assert service.queue.n_unsettled(only) == 1


def test_two_groups_of_one_name_are_told_apart(service, tmp_path):
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
    sweeps = []
    for place, n in itertools.product("ab", "12"):
        path = tmp_path / place / f"x_{n}.img"
        path.write_text(f"{place}{n}")
        sweeps.append(found(path))
    service.begin().taken(*sweeps)
    service.work_off()
    names = {job.name for job in service.queue.rows() if job.kind == "combined"}
    assert names == {"combined/x", "combined/b_x"}


def test_no_sweep_has_the_name_of_a_group(service):
    assert folder_name("combined") == "combined_sweep"
    assert folder_name("combined@x") == "combined@x_sweep"
    assert folder_name("combined/x") == "combined_x"
    assert group_folder("combined/a/b") == "combined/a_b"
    assert group_folder("v2_combined/x") == "combined/v2_x"
    for name in ("combined/x", "x", "a@b"):
        assert from_one_name(in_one_name(name)) == name
    outputs = Outputs(service.output)
    assert home_of(outputs.folder("combined/x", 3)) == outputs.results("combined/x")


def test_how_groups_are_configured():
    places = [SweepPlace(name, f"/d/{name}_#.cbf", 1, 1) for name in ("x_1", "x_2", "y_1")]
    assert [g.name for g in groups_of(places, GroupParams())] == ["x"]
    assert groups_of(places, GroupParams(by="none")) == []
    (mine,) = groups_of(places, GroupParams(by="none", named=("mine: x_1_* y_*",)))
    assert (mine.name, list(mine.members)) == ("mine", ["x_1", "y_1"])
    for wrong in ("mine", "mine:", ": x_*"):
        with pytest.raises(ValueError, match="NAME: pattern"):
            GroupParams(named=(wrong,))


def test_sweeps_that_failed_with_few_spots_are_put_together_with_the_others(service, image):
    service.begin().taken(image("few_1"), image("few_2"))
    service.work_off()
    assert [service.queue.named(name).state for name in ("few_1", "few_2")] == [JobState.failed] * 2
    assert service.queue.failed_with_spots(300) == {"few_1", "few_2"}
    assert service.queue.failed_with_spots(29) == frozenset()
    job = service.queue.named("combined/few")
    assert job.state is JobState.processed
    assert job.result["members"] == {"few_1": 1, "few_2": 1}


def test_a_sweep_that_failed_joins_a_group_that_is_there(service, image):
    service.begin().taken(image("few_1"), image("few_2"))
    service.work_off()
    service.taken(image("few_3"))
    service.work_off()
    assert service.queue.named("combined/few").result["members"] == {"few_1": 1, "few_2": 1, "few_3": 1}


@pytest.mark.parametrize("kind", ["bad", "many"])
def test_other_failures_make_no_group(service, image, kind):
    service.begin().taken(image(f"{kind}_1"), image(f"{kind}_2"))
    service.work_off()
    assert [job.name for job in service.queue.rows()] == [f"{kind}_1", f"{kind}_2"]


@pytest.mark.parametrize(("visits", "visit"), [(("/d/v1", "/d/v1"), "/d/v1"), (("/d/v1", "/d/v2"), ""), (("", ""), "")])
def test_a_group_is_of_the_visit_that_all_of_its_sweeps_are_of(visits, visit):
    places = tuple(SweepPlace(f"x_{n}", f"/d/x_{n}_#.cbf", 1, 10, one) for n, one in enumerate(visits))
    assert found_group(SampleGroup("x", "auto:x", places)).visit == visit


def test_the_queue_tells_the_visit_of_a_sweep(service, image):
    service.intake.take(image("x_1", visit="/data/v1"))
    assert [place.visit for place, _ in service.queue.places()] == ["/data/v1"]
