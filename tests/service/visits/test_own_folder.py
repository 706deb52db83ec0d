"""Results in their visit's own folder: whole, with what others put there, and nowhere else whatever lies in the way."""

import errno
import os
import stat

import pytest
from pydantic import ValidationError

from autoproc.service.results.outputs import is_ours
from autoproc.service.visits import own_folder
from autoproc.service.visits.own_folder import Rights, put_into_visit
from autoproc.service.visits.params import VisitParams

PARAMS = VisitParams(output="{visit}/processed")


@pytest.fixture
def visit(tmp_path):
    (tmp_path / "visit").mkdir()
    return tmp_path / "visit"


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "out" / "x"
    (folder / "stages").mkdir(parents=True)
    for name in ("summary.json", "summary.txt", "merged.mtz", "stages/integrated.refl"):
        (folder / name).write_text(f"{name} of the first")
    (folder / "own.txt").write_text("somebody's")
    return folder


def made_again(results):
    for path in [path for path in results.rglob("*") if path.is_file() and path.name != "own.txt"]:
        path.unlink()
        path.write_text(f"{path.name} of the second time")


def put(results, visit, params=PARAMS, name="x"):
    return put_into_visit(results, name, visit, params, is_ours)


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


OURS = ["merged.mtz", "stages", "stages/integrated.refl", "summary.json", "summary.txt"]


def test_all_of_ours_is_there_and_takes_no_more_room(results, visit):
    place = visit / "processed" / "x"
    assert put(results, visit) == place
    assert tree(place) == OURS
    assert tree(visit) == ["processed", "processed/x", *(f"processed/x/{name}" for name in OURS)]
    assert os.stat(place / "merged.mtz").st_ino == os.stat(results / "merged.mtz").st_ino


def test_what_is_there_already_is_left(results, visit):
    put(results, visit)
    number = os.stat(visit / "processed" / "x").st_ino
    assert put(results, visit) is None
    assert os.stat(visit / "processed" / "x").st_ino == number


def test_new_results_take_the_place_and_what_others_put_there_stays(results, visit):
    place = put(results, visit)
    (place / "phasing").mkdir()
    (place / "phasing" / "notes.txt").write_text("mine")
    (place / "autoproc.toml").write_text("[scale]\n")
    made_again(results)
    assert put(results, visit) == place
    assert (place / "summary.json").read_text() == "summary.json of the second time"
    assert tree(place) == sorted(["autoproc.toml", *OURS, "phasing", "phasing/notes.txt"])
    assert os.listdir(visit / "processed") == ["x"]


def test_a_note_that_is_put_into_the_summary_is_put_there_too(results, visit):
    place = put(results, visit)
    (results / "summary.new").write_text("GROUP and all else")
    (results / "summary.new").rename(results / "summary.txt")
    assert put(results, visit) == place
    assert (place / "summary.txt").read_text() == "GROUP and all else"


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EPERM, errno.EMLINK])
def test_where_links_cannot_be_results_are_copied_and_known_again(results, visit, monkeypatch, number):
    def refused(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refused)
    place = put(results, visit)
    assert tree(place) == OURS
    assert os.stat(place / "merged.mtz").st_ino != os.stat(results / "merged.mtz").st_ino
    assert (place / "stages/integrated.refl").read_text() == "stages/integrated.refl of the first"
    assert put(results, visit) is None


def test_a_full_disk_leaves_what_was_there(results, visit, monkeypatch):
    place = put(results, visit)
    made_again(results)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", full)
        with pytest.raises(OSError, match="No space"):
            put(results, visit)
    assert (place / "summary.json").read_text() == "summary.json of the first"
    assert put(results, visit) == place
    assert os.listdir(visit / "processed") == ["x"]


@pytest.mark.parametrize("n_calls", range(1, 4))
def test_a_kill_between_any_two_renames_is_mended_by_the_next(results, visit, monkeypatch, n_calls):
    place = put(results, visit)
    (place / "own").write_text("mine")
    made_again(results)
    left, rename = [n_calls], os.rename

    def killed(*args, **kwargs):
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        rename(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(own_folder.os, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            put(results, visit)
    put(results, visit)
    assert (place / "summary.json").read_text() == "summary.json of the second time"


def test_a_group_is_put_below_the_folder_of_groups(results, visit):
    assert put(results, visit, name="combined/x") == visit / "processed" / "combined" / "x"
    assert tree(visit / "processed" / "combined" / "x") == OURS


@pytest.mark.parametrize("where", ["processed", "processed/x"])
def test_no_link_is_followed(results, visit, tmp_path, where):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (visit / where).parent.mkdir(exist_ok=True)
    (visit / where).symlink_to(elsewhere)
    with pytest.raises(OSError, match="Not a directory|in the way"):
        put(results, visit)
    assert os.listdir(elsewhere) == []
    assert (visit / where).is_symlink()


def test_a_link_in_place_of_the_visit_is_not_followed(results, visit, tmp_path):
    (tmp_path / "link").symlink_to(visit)
    with pytest.raises(OSError, match="Not a directory"):
        put(results, tmp_path / "link")
    assert os.listdir(visit) == []


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.write_text("mine")], ids=["pipe", "file"])
def test_something_of_that_name_is_not_taken_away(results, visit, make):
    (visit / "processed").mkdir()
    make(visit / "processed" / "x")
    with pytest.raises(OSError, match="in the way"):
        put(results, visit)
    assert os.path.lexists(visit / "processed" / "x")


def test_a_visit_that_is_not_there_is_an_error(results, tmp_path):
    with pytest.raises(FileNotFoundError):
        put(results, tmp_path / "gone")


def test_permissions_are_as_configured(results, visit):
    place = put(results, visit, VisitParams(output="{visit}/a/b", permissions="2750"))
    assert place == visit / "a" / "b" / "x"
    modes = {stat.S_IMODE(os.stat(path).st_mode) for path in (visit / "a", visit / "a" / "b", place, place / "stages")}
    assert modes == {0o2750}
    assert stat.S_IMODE(os.stat(place / "merged.mtz").st_mode) == 0o640


@pytest.mark.parametrize(("euid", "rights"), [(0, Rights(501, 601)), (42, Rights(-1, 601))])
def test_owner_and_group_are_the_visit_s_as_far_as_they_can_be(monkeypatch, euid, rights):
    status = os.stat_result((0o40755, 0, 0, 0, 501, 601, 0, 0, 0, 0))
    monkeypatch.setattr(os, "geteuid", lambda: euid)
    assert Rights.of(VisitParams(owner_of_visit=True), status) == rights
    assert Rights.of(VisitParams(), status) == Rights()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_gives_results_to_the_owner_of_the_visit(results, visit):
    os.chown(visit, 12345, 54321)
    place = put(results, visit, VisitParams(output="{visit}/processed", owner_of_visit=True))
    for path in (place.parent, place, place / "merged.mtz", place / "stages" / "integrated.refl"):
        assert (os.stat(path).st_uid, os.stat(path).st_gid) == (12345, 54321)
    assert os.stat(results).st_uid == 0


@pytest.mark.parametrize(
    "output",
    ["processed", "/data/processed", "{visit}", "{visit}/../x", "{visit}/.hidden", "{visit}/{visit}", "x/{visit}/y",
     "{visit}/a*", "{visit}/x\n"],
)  # fmt: skip
def test_a_folder_that_is_not_within_the_visit_is_refused(output):
    with pytest.raises(ValidationError):
        VisitParams(output=output)
    with pytest.raises(ValidationError):
        VisitParams(permissions="0999")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_gives_nothing_away_in_a_folder_that_somebody_lays_in_between(results, visit, monkeypatch):
    made = os.mkdir

    def swapped(name, *args, **kwargs):
        made(name, *args, **kwargs)
        if str(name) == ".x.new":
            os.chown(name, 12345, 12345, dir_fd=kwargs["dir_fd"])

    monkeypatch.setattr(os, "mkdir", swapped)
    with pytest.raises(PermissionError, match="somebody else"):
        put(results, visit)


def test_results_that_are_replaced_meanwhile_are_not_mixed_with_the_new_ones(results, visit, tmp_path, monkeypatch):
    link, left = os.link, [1]

    def replaced_after_one(*args, **kwargs):
        link(*args, **kwargs)
        if left.pop():
            results.rename(tmp_path / "earlier")
            (results / "stages").mkdir(parents=True)
            for name in OURS:
                if name != "stages":
                    (results / name).write_text("of another attempt")
            left.extend([0] * 99)

    monkeypatch.setattr(os, "link", replaced_after_one)
    place = put(results, visit)
    texts = {path.read_text() for path in place.rglob("*") if path.is_file()}
    assert texts == {f"{name} of the first" for name in OURS if name != "stages"}
    assert put(results, visit) == place
    assert {path.read_text() for path in place.rglob("*") if path.is_file()} == {"of another attempt"}
