"""HDF5 images that are incomplete, being written or at odds with their description: what comes of each is said."""

from __future__ import annotations

import resource

import h5py
import hdf5plugin
import numpy as np
import pytest
from nexus_files import SIZE, write_master

from autoproc.errors import BadHeader, CorruptFile
from autoproc.formats.hdf5.hdf5_frames import ImageNotWritten
from autoproc.formats.hdf5.nexus import NexusReader, experiment_from_master
from autoproc.formats.images.damaged_frames import ForgivingReader
from autoproc.stages.import_sweep import ImportParams, import_sweeps


@pytest.fixture
def frames():
    return np.random.default_rng(1).poisson(3, (6, *SIZE)).astype(np.uint16)


def rewrite_data(folder, frames, n_written, compression):
    """Data with room for all frames, of which the first n_written are there."""
    with h5py.File(folder / "x_data_000001.h5", "w") as handle:
        data = handle.create_dataset("entry/data/data", frames.shape, frames.dtype, chunks=(1, *SIZE), **compression)
        for n in range(n_written):
            data[n] = frames[n]


def warnings_of(path, **params):
    (found,) = import_sweeps([path], ImportParams(**params)).experiments
    return " ".join(found.warnings)


@pytest.mark.parametrize("compression", [hdf5plugin.Bitshuffle(cname="lz4"), {"compression": "gzip"}, {}])
def test_images_being_written(tmp_path, frames, compression):
    """Without a look at the storage some would come out as empty images."""
    path = write_master(tmp_path / "x_master.h5", frames, link=True)
    rewrite_data(tmp_path, frames, 4, compression)
    e = experiment_from_master(path)
    reader = NexusReader(e.imageset, e.detector)
    np.testing.assert_array_equal(reader.read(3), frames[3])
    with pytest.raises(ImageNotWritten, match=r"x_data_000001\.h5: image 5 is not written") as caught:
        reader.read(4)
    assert caught.value.retryable
    assert "wait" in caught.value.advice


def test_the_first_image_that_is_not_written_is_named(tmp_path, frames):
    """Although one damaged image might be left out: these may still come."""
    path = write_master(tmp_path / "x_master.h5", frames, link=True)
    rewrite_data(tmp_path, frames, 3, {})
    e = experiment_from_master(path)
    reader = ForgivingReader(NexusReader(e.imageset, e.detector), 0.2)
    assert reader.read(3).max() < 0
    with pytest.raises(ImageNotWritten, match="image 4"):
        reader.read(4)


def test_no_image_is_there_yet(tmp_path, frames):
    path = write_master(tmp_path / "x_master.h5", frames, link=True)
    with h5py.File(tmp_path / "x_data_000001.h5", "w") as handle:
        handle.create_dataset("entry/data/data", (0, *SIZE), np.uint16, maxshape=(None, *SIZE), chunks=(1, *SIZE))
    with pytest.raises(CorruptFile, match="it holds no images"):
        experiment_from_master(path)


def test_more_data_files_than_may_be_open(tmp_path, frames):
    path = write_master(tmp_path / "x_master.h5", frames, omega=0.1 * np.arange(300))
    with h5py.File(path, "r+") as handle:
        del handle["entry/data/data"]
        for n in range(1, 301):
            name = f"x_data_{n:06d}.h5"
            handle[f"entry/data/data_{n:06d}"] = h5py.ExternalLink(name, "/entry/data/data")
            with h5py.File(tmp_path / name, "w") as other:
                other["entry/data/data"] = np.full((1, *SIZE), n, np.uint16)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    try:
        (found,) = import_sweeps([path]).experiments
        reader = NexusReader(found.experiment.imageset, found.experiment.detector)
        assert [reader.read(n)[0, 0] for n in range(300)] == list(range(1, 301))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("n_angles", "said"),
    [
        (6, ""),
        (9, "the master describes 9 images, of which 6 are there: was the collection stopped"),
        (4, "the master gives 4 angles for 6 images"),
    ],
)
def test_angles_of_more_or_fewer_images(tmp_path, frames, n_angles, said):
    path = write_master(tmp_path / "x_master.h5", frames, omega=10 + 0.5 * np.arange(n_angles))
    (found,) = import_sweeps([path]).experiments
    assert found.experiment.scan.image_range == (1, 6)
    assert found.experiment.scan.oscillation == pytest.approx((10.0, 0.5))
    assert said in " ".join(found.warnings)
    assert bool(said) == bool(found.warnings)


def test_angles_that_are_no_numbers(tmp_path, frames):
    path = write_master(tmp_path / "x_master.h5", frames, omega=np.full(6, np.nan))
    with pytest.raises(BadHeader, match="rotation angle is not a number"):
        experiment_from_master(path)
    (found,) = import_sweeps([path], ImportParams(oscillation=(0.0, 0.5))).experiments
    assert found.experiment.scan.oscillation == pytest.approx((0.0, 0.5))


def test_pixels_without_a_size(tmp_path, frames):
    path = write_master(tmp_path / "x_master.h5", frames)
    with h5py.File(path, "r+") as handle:
        handle["entry/instrument/detector/module/fast_pixel_direction"][...] = 0.0
    with pytest.raises(BadHeader, match="pixel size is 0 x 0.1 mm.*pixel_size=0.172"):
        experiment_from_master(path)


def test_truncated_data_in_plain_words(tmp_path, frames):
    path = write_master(tmp_path / "x_master.h5", frames, link=True)
    data = tmp_path / "x_data_000001.h5"
    n_bytes = data.stat().st_size
    data.write_bytes(data.read_bytes()[: n_bytes - 1000])
    with pytest.raises(CorruptFile, match=rf"it is truncated: {n_bytes - 1000} of {n_bytes} bytes are there") as caught:
        experiment_from_master(path)
    assert caught.value.facts["path"] == data


def test_without_pixel_mask_the_marked_pixels_are_not_trusted(tmp_path, frames):
    frames[:, 5, 6] = 65535
    path = write_master(tmp_path / "x_master.h5", frames)
    with h5py.File(path, "r+") as handle:
        del handle["entry/instrument/detector/pixel_mask"]
    e = experiment_from_master(path)
    mask = NexusReader(e.imageset, e.detector).mask
    assert np.argwhere(~mask).tolist() == [[5, 6]]


def test_images_can_be_excluded(tmp_path, frames):
    path = write_master(tmp_path / "x_master.h5", frames)
    (found,) = import_sweeps([path], ImportParams(exclude_images=("2", "6-9"))).experiments
    assert found.experiment.scan.excluded == (2, 6)
    assert "2 images left out as exclude_images says: 2, 6" in found.warnings
    (skipped,) = import_sweeps([path], ImportParams(exclude_images=("1-9",))).skipped
    assert skipped.reason == "every image is excluded"


def remade(path, frames, change):
    """A master with something else at one place."""
    write_master(path, frames)
    with h5py.File(path, "r+") as handle:
        change(handle)
    return path


def replaced(name, value):
    def change(handle):
        del handle[name]
        handle[name] = value

    return change


INSTRUMENT = "entry/instrument"


@pytest.mark.parametrize(
    "change",
    [
        replaced(INSTRUMENT, 5.0),
        replaced(INSTRUMENT, np.zeros(3)),
        replaced(f"{INSTRUMENT}/detector", 5.0),
        replaced(f"{INSTRUMENT}/detector", h5py.Empty("f8")),
        replaced(f"{INSTRUMENT}/detector", h5py.SoftLink("/entry/instrument/detector")),
        replaced("entry", h5py.SoftLink("/entry")),
        replaced("entry/data", h5py.ExternalLink("x_master.h5", "/entry/data")),
        replaced("entry/data/data", h5py.ExternalLink("x_master.h5", "/entry/data/data")),
        replaced("entry/sample", np.zeros((2, 2))),
        replaced("entry/sample/transformations/omega", h5py.Empty("f8")),
        replaced("entry/sample/transformations/omega", np.zeros(3, [("a", "f8")])),
        replaced("entry/sample/depends_on", "x" * 100_000),
        replaced(f"{INSTRUMENT}/detector/module/data_size", [2**62, 2**62]),
        replaced(f"{INSTRUMENT}/detector/pixel_mask", h5py.Empty("u4")),
        replaced(f"{INSTRUMENT}/detector/pixel_mask", np.zeros((0, 0))),
        replaced(f"{INSTRUMENT}/detector/saturation_value", np.zeros(0)),
        replaced(f"{INSTRUMENT}/beam/incident_wavelength", np.zeros(2, "S3")),
    ],
)
def test_objects_of_another_type_than_they_should_have(tmp_path, frames, change):
    """Whatever comes of it, it is no error but one that names the file; and what is there can always be asked."""
    from autoproc.errors import AutoprocError
    from autoproc.formats.hdf5.frames_present import frames_present

    path = remade(tmp_path / "x_master.h5", frames, change)
    assert frames_present(path).n_present in (0, len(frames))
    try:
        e = experiment_from_master(path)
        NexusReader(e.imageset, e.detector).read(0)
    except AutoprocError as error:
        assert "x_master.h5" in error.message  # noqa: PT017  (which are refused is not said)


@pytest.mark.parametrize("name", ["entry", f"{INSTRUMENT}/detector/pixel_mask"])
def test_a_master_that_changes_while_it_is_processed(tmp_path, frames, name):
    """Its reader is opened again and again, long after the import has found it good."""
    path = write_master(tmp_path / "x_master.h5", frames)
    e = experiment_from_master(path)
    remade(path, frames, replaced(name, h5py.SoftLink(f"/{name}")))
    with pytest.raises(CorruptFile, match=r"x_master\.h5"):
        NexusReader(e.imageset, e.detector)


@pytest.mark.parametrize("value", [np.zeros(3, [("a", "f8")]), h5py.Empty("f8"), np.array([b"x"] * 3)])
@pytest.mark.parametrize("name", ["two_theta", "det_z"])
def test_the_import_of_a_master_that_makes_no_sense(tmp_path, frames, name, value):
    """Not the first reader of a master alone, but the one that the import calls is at the border."""
    change = replaced(f"{INSTRUMENT}/detector/transformations/{name}", value)
    path = remade(tmp_path / "x_master.h5", frames, change)
    found = import_sweeps([path], ImportParams())
    assert len(found.experiments) + len(found.problems) == 1
    assert all("x_master.h5" in problem.message for problem in found.problems)


def test_a_master_with_a_damaged_table_of_names(tmp_path, frames):
    """The HDF5 library calls that a RuntimeError."""
    path = write_master(tmp_path / "x_master.h5", frames)
    content = path.read_bytes()
    for n in range(content.count(b"SNOD")):
        place = [i for i in range(len(content)) if content.startswith(b"SNOD", i)][n]
        path.write_bytes(content[:place] + b"????" + content[place + 4 :])
        found = import_sweeps([path], ImportParams())
        assert len(found.experiments) + len(found.problems) == 1


@pytest.mark.parametrize("shape", [(1, 1 << 20, 1 << 20), (6, 30, 1 << 30), (6, 1 << 40, 40), (6, 2, 1 << 17, 40)])
def test_images_larger_than_any_detector(tmp_path, frames, shape):
    """The edge of such a detector alone would take minutes and gigabytes to look at."""

    def change(handle):
        del handle["entry/data/data"]
        handle["entry/data"].create_dataset("data", shape, np.uint16, chunks=(1,) * (len(shape) - 1) + (40,))

    path = remade(tmp_path / "x_master.h5", frames, change)
    found = import_sweeps([path], ImportParams())
    assert not found.experiments
    assert "more than any detector has" in found.problems[0].message
