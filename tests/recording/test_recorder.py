"""What is sent is what is read, in whatever order and state it comes."""

import numpy as np
import pytest

pytest.importorskip("cbor2")

from streamed import CHANNEL, FIRST, Recording, as_read, end, image, pixels, start

from autoproc.formats.hdf5.frames_present import frames_present
from autoproc.formats.hdf5.hdf5_frames import ImageNotWritten
from autoproc.formats.registry import open_reader, read_experiment
from autoproc.recording.data_file import DataFile
from autoproc.simulation.beamline_stream import Streaming, grid, image_message, packed_bytes

OTHER = Streaming(series_id=2, series_unique_id="02OTHER")


@pytest.fixture
def recording(tmp_path):
    return Recording(tmp_path / "streamed")


def images(n=4, **how):
    return [image(index, **how) for index in range(n)]


@pytest.mark.parametrize("compression", ["bslz4", "lz4", "none"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "u4"])
def test_frames_read_are_frames_sent(recording, compression, dtype):
    sent = [pixels(n, dtype) for n in range(4)]
    recording.take(start(), *(image(n, values, compression) for n, values in enumerate(sent)), end())
    assert recording.complaints == []
    for was, is_now in zip(sent, recording.frames(), strict=True):
        np.testing.assert_array_equal(is_now, as_read(was))
    assert recording.said[-1] == "series_1: 4 of 4 images recorded"


def test_each_frame_is_there_at_once(recording):
    recording.take(start())
    path = recording.folder / "series_1_master.h5"
    for n in range(4):
        recording.take(image(n))
        seen = frames_present(path)
        assert (seen.n_present, seen.n_expected, seen.is_sure) == (n + 1, 4, True)
        reader = open_reader(read_experiment(path))
        np.testing.assert_array_equal(reader.read(n), as_read(pixels(n)))


def test_order_does_not_matter_and_repeats_are_kept_once(recording):
    other = pixels(9)
    recording.take(start(), image(3), image(0), image(2), image(0, other), image(1), end())
    for n, frame in enumerate(recording.frames()):
        np.testing.assert_array_equal(frame, as_read(pixels(n)))
    assert "series_1: 1 image came more than once; the first was kept" in recording.said


def test_a_lost_frame_is_missing_and_said(recording):
    recording.take(start(), image(0), image(2), image(3), end()).wait(6)
    assert recording.complaints == ["series_1: image 2 is missing from its files"]
    seen = frames_present(recording.folder / "series_1_master.h5")
    assert seen.present.tolist() == [True, False, True, True]
    reader = open_reader(read_experiment(recording.folder / "series_1_master.h5"))
    with pytest.raises(ImageNotWritten):
        reader.read(1)


def test_what_comes_after_the_end_finds_its_place(recording):
    recording.take(start(), image(0), image(1), image(2), end()).wait(6)
    assert recording.complaints
    recording.take(image(3))
    np.testing.assert_array_equal(recording.frames()[3], as_read(pixels(3)))
    assert recording.said[-1] == "series_1: 4 of 4 images recorded"


def test_images_lie_in_several_files(tmp_path):
    recording = Recording(tmp_path / "s", images_per_file=3)
    order = [6, 0, 3, 1, 4, 2, 5]
    recording.take(start(number_of_images=7), *(image(n) for n in order), end())
    assert recording.names() == [f"series_1_data_00000{n}.h5" for n in (1, 2, 3)] + ["series_1_master.h5"]
    for n, frame in enumerate(recording.frames()):
        np.testing.assert_array_equal(frame, as_read(pixels(n)))


def test_two_series_at_once(recording):
    recording.take(start(), start(OTHER))
    for n in range(4):
        recording.take(image(n), image(n, pixels(10 + n), series=OTHER))
    recording.take(end(OTHER), end())
    for n in range(4):
        np.testing.assert_array_equal(recording.frames("series_1")[n], as_read(pixels(n)))
        np.testing.assert_array_equal(recording.frames("series_2")[n], as_read(pixels(10 + n)))


def test_a_series_of_the_same_name_has_a_number(recording):
    recording.take(start(), *images(), end())
    again = Streaming(series_id=1, series_unique_id="03AGAIN")
    recording.take(start(again), *images(series=again), end(again))
    assert len(recording.frames("series_1_2")) == len(recording.frames("series_1")) == 4


def test_a_series_begun_again_is_another_sweep(recording):
    recording.take(start(), image(0), image(1), start(arm_date="2026-03-02T10:50:00+01:00"), *images(), end())
    assert frames_present(recording.folder / "series_1_master.h5").n_present == 2
    assert frames_present(recording.folder / "series_1_2_master.h5").n_present == 4
    assert "series_1: 2 of 4 images recorded; it was begun again" in recording.said


def test_a_repeated_start_changes_nothing(recording):
    recording.take(start(), image(0), start(), *images()[1:], end())
    assert recording.names() == ["series_1_data_000001.h5", "series_1_master.h5"]
    assert len(recording.frames()) == 4


def test_the_same_series_after_its_end_is_another_sweep(recording):
    recording.take(start(), *images(), end(), start(), *images(), end())
    assert len(recording.frames("series_1_2")) == 4


def test_images_without_their_start_are_kept_and_told_of(recording):
    recording.take(image(2), image(3)).wait(301)
    assert recording.names() == ["series_1_without_start_data_000001.h5"]
    assert "its start was missed" in recording.complaints[0]


def test_a_start_that_comes_late_describes_its_images(recording):
    recording.take(image(0), image(1), start(), image(2), image(3), end())
    frames = recording.frames("series_1_without_start")
    for n, frame in enumerate(frames):
        np.testing.assert_array_equal(frame, as_read(pixels(n)))
    assert len(frames) == 4


def test_an_end_that_never_comes(recording):
    recording.take(start(), image(0), image(1)).wait(299)
    assert len(recording.said) == 1
    recording.wait(3)
    assert recording.said[-1] == "series_1: 2 of 4 images recorded; it was never told to be over"


def test_a_number_of_images_that_nobody_knows(recording):
    recording.take(start(number_of_images=0), image(0), image(2), end()).wait(6)
    assert frames_present(recording.folder / "series_1_master.h5").present.tolist() == [True, False, True]
    assert recording.complaints == ["series_1: image 2 is missing from its files"]


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (image(4), "the stream's image 4 of series_1 is not recorded: its images have the numbers 0 to 3"),
        (image(2**40), "record.first_image"),
        (
            image(1, pixels(1, "u2")),
            "it has 30 x 20 pixels of type uint16, the first has 30 x 20 pixels of type uint32",
        ),
        (image(1, pixels(1, shape=(20, 31))), "31 x 20 pixels"),
        (b"\xa1", "1 bytes that are not CBOR"),
    ],
)
def test_what_does_not_fit_is_refused_and_the_rest_is_kept(recording, odd, said):
    recording.take(start(), image(0), odd, *images()[1:], end())
    assert said in recording.complaints[0]
    for n, frame in enumerate(recording.frames()):
        np.testing.assert_array_equal(frame, as_read(pixels(n)))


def test_counting_from_one(tmp_path):
    recording = Recording(tmp_path / "s", first_image=1)
    recording.take(start(), *(image(n + 1, pixels(n)) for n in range(4)), end())
    np.testing.assert_array_equal(recording.frames()[0], as_read(pixels(0)))
    assert recording.complaints == []


def test_another_compression_in_the_middle_is_stored_all_the_same(recording):
    ways = ["bslz4", "none", "lz4", "bslz4"]
    recording.take(start(), *(image(n, compression=way) for n, way in enumerate(ways)), end())
    for n, frame in enumerate(recording.frames()):
        np.testing.assert_array_equal(frame, as_read(pixels(n)))


def test_bits_shuffled_as_of_smaller_numbers(recording):
    """Stored as they are, a reader would take them for others."""
    values = [pixels(n) for n in range(4)]
    shuffled = [grid(packed_bytes(v.view("u1"), "bslz4"), v.shape, v.dtype) for v in values]
    images = [image_message(n, {CHANNEL: item}, FIRST) for n, item in enumerate(shuffled)]
    recording.take(start(), *images, end())
    for n, frame in enumerate(recording.frames()):
        np.testing.assert_array_equal(frame, as_read(values[n]))


def test_frames_that_a_failure_to_write_took_are_missing_until_they_come_again(recording, monkeypatch):
    recording.take(start(), image(0), image(1))
    (known,) = recording.recorder._known.values()
    monkeypatch.setattr(DataFile, "stored", lambda self: np.array([True, False, False, False]))
    known.series.renew()
    recording.take(image(2), image(3), end()).wait(6)
    assert recording.complaints == ["series_1: image 2 is missing from its files"]


def test_all_channels_are_kept_and_the_chosen_one_comes_first(tmp_path):
    high = [pixels(20 + n) for n in range(4)]
    messages = [
        start(channels=["threshold_1", "threshold_2"]),
        *(image(n, threshold_2=high[n]) for n in range(4)),
        end(),
    ]
    plain = Recording(tmp_path / "a").take(*messages)
    chosen = Recording(tmp_path / "b", channels=("threshold_2",)).take(*messages)
    for n in range(4):
        np.testing.assert_array_equal(plain.frames()[n], as_read(pixels(n)))
        np.testing.assert_array_equal(chosen.frames()[n], as_read(high[n]))
    remarks = read_experiment(plain.folder / "series_1_master.h5").remarks
    assert any("1 of 2 channels at each angle: the first is processed" in remark for remark in remarks)


def test_files_that_cannot_be_written_cost_their_series_alone(recording):
    (recording.folder / "series_1_data_000001.h5").mkdir()
    recording.take(start(), start(OTHER), image(0), *images(series=OTHER), end(OTHER))
    assert len(recording.frames("series_2")) == 4


def test_stopping_keeps_what_has_come(recording):
    recording.take(start(), image(0), image(1))
    recording.recorder.close()
    assert recording.said[-1] == "series_1: 2 of 4 images recorded; it was under way when recording stopped"
    assert frames_present(recording.folder / "series_1_master.h5").n_present == 2


def test_recording_goes_on_after_it_was_killed(tmp_path):
    """The start message is still known; what comes is another sweep of the same description."""
    Recording(tmp_path / "s").take(start(), image(0), image(1))  # never closed
    again = Recording(tmp_path / "s").take(image(2), image(3), end()).wait(6)
    seen = frames_present(again.folder / "series_1_2_master.h5")
    assert seen.present.tolist() == [False, False, True, True]
    assert read_experiment(again.folder / "series_1_2_master.h5").beam.wavelength == 0.9795
    assert "its recording was interrupted" in again.complaints[0]
    assert list((again.folder / ".autoproc_record").iterdir()) == []


def test_a_start_that_was_saved_and_damaged_is_as_one_that_was_missed(tmp_path):
    Recording(tmp_path / "s").take(start(), image(0))
    (saved,) = (tmp_path / "s" / ".autoproc_record").iterdir()
    saved.write_bytes(b"x")
    again = Recording(tmp_path / "s").take(image(2))
    assert "its start was missed" in again.complaints[0]
