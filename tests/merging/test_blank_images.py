from __future__ import annotations

import numpy as np

from autoproc.merging.blank_images import is_on_blank_image


def sweep(signal: np.ndarray, per_image: int = 80) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    frame = np.repeat(np.arange(len(signal)), per_image) + rng.uniform(0, 1, len(signal) * per_image)
    return frame, rng.exponential(np.repeat(signal, per_image)) + rng.normal(size=len(frame))


def test_a_blank_stretch_is_found_and_nothing_else():
    signal = np.full(90, 8.0)
    signal[20:50] = 0.0
    frame, z = sweep(signal)
    blank = is_on_blank_image(frame, z)
    np.testing.assert_array_equal(blank, (frame >= 20) & (frame < 50))


def test_even_a_mostly_blank_sweep_keeps_its_good_images():
    signal = np.zeros(90)
    signal[:30] = 8.0
    frame, z = sweep(signal)
    np.testing.assert_array_equal(is_on_blank_image(frame, z), frame >= 30)


def test_decay_and_weak_data_are_left_alone():
    assert not is_on_blank_image(*sweep(np.linspace(9, 2, 60))).any()
    assert not is_on_blank_image(*sweep(np.full(60, 0.4))).any()
    assert len(is_on_blank_image(np.zeros(0), np.zeros(0))) == 0


def test_weak_images_with_signal_are_no_blank_ones():
    signal = np.full(90, 12.0)
    signal[20:50] = 0.8
    assert not is_on_blank_image(*sweep(signal, per_image=300)).any()


def test_what_reaches_into_a_blank_image_is_marked_too():
    signal = np.full(90, 8.0)
    signal[20:50] = 0.0
    frame, z = sweep(signal)
    centre = np.floor(frame).astype(int)
    span = np.column_stack([centre - 1, centre + 2])
    np.testing.assert_array_equal(is_on_blank_image(frame, z, span), (frame >= 19) & (frame < 51))
    np.testing.assert_array_equal(is_on_blank_image(frame, z, span * [1, 0] + [0, 1000]), frame < 51)
