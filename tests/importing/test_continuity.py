from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models_for_tests import experiment

from autoproc.formats.images.minicbf import HeaderModels
from autoproc.importing.continuity import split_by_rotation

MODEL = experiment()


def header(start, width, **changes):
    models = HeaderModels(MODEL.beam, MODEL.detector, MODEL.goniometer, (round(start, 4), round(width, 4)), 0.02)
    return replace(models, **changes)


def split(headers):
    """Segments of {number: header}, and how many headers were read."""
    count = SimpleNamespace(n=0)

    def models_of(number):
        count.n += 1
        return headers[number]

    return split_by_rotation(sorted(headers), models_of), count.n


def test_a_long_sweep_needs_few_headers():
    segments, n_read = split({n: header(0.1 * n, 0.1) for n in range(1, 3601)})
    assert [s.numbers for s in segments] == [tuple(range(1, 3601))]
    assert segments[0].oscillation == pytest.approx((0.1, 0.1))
    assert n_read <= 8


def test_angles_that_pass_360():
    segments, _ = split({n: header((0.5 * n) % 360, 0.5) for n in range(1, 1501)})
    assert len(segments) == 1


def test_angles_between_minus_180_and_180():
    segments, _ = split({n: header((0.5 * n + 180) % 360 - 180, 0.5) for n in range(1, 721)})
    assert len(segments) == 1


def test_rounded_width_is_mended():
    width = 1 / 15
    segments, _ = split({n: header(width * (n - 1), width) for n in range(1, 2701)})
    assert len(segments) == 1
    assert segments[0].oscillation[1] == pytest.approx(width, abs=1e-7)


def test_screening_shots_are_pieces_of_one():
    segments, _ = split({1: header(0, 0.5), 2: header(45, 0.5), 3: header(90, 0.5)})
    assert [s.oscillation[0] for s in segments] == [0, 45, 90]


def test_missing_images_do_not_break_a_rotation():
    segments, _ = split({n: header(0.5 * n, 0.5) for n in range(1, 101) if n not in (5, 40, 41)})
    assert len(segments) == 1
    assert segments[0].longest_run() == (42, 100)


def test_first_of_equal_runs():
    segments, _ = split({n: header(n, 1) for n in (1, 2, 4, 5)})
    assert segments[0].longest_run() == (1, 2)


def test_change_of_width_distance_or_wavelength():
    panel = MODEL.detector[0]
    moved = type(MODEL.detector)((replace(panel, origin=panel.origin - [0, 0, 50.0]),))
    redder = replace(MODEL.beam, wavelength=1.1)
    for changed in (header(2, 0.5), header(2, 1.0, detector=moved), header(2, 1.0, beam=redder)):
        segments, _ = split({1: header(0, 1.0), 2: header(1, 1.0), 3: changed})
        assert [s.numbers for s in segments] == [(1, 2), (3,)]


def test_stills_stay_together():
    segments, _ = split({n: header(12, 0.0) for n in range(1, 50)})
    assert len(segments) == 1
    assert segments[0].oscillation == (12, 0)


def test_headers_without_angles():
    segments, _ = split({n: replace(header(0, 0), oscillation=None) for n in range(1, 5)})
    assert len(segments) == 1


@settings(max_examples=60)
@given(lengths=st.lists(st.integers(1, 60), min_size=1, max_size=5), width=st.sampled_from([0.1, 0.25, 1.0]))
def test_wedges_are_cut_where_they_meet(lengths, width):
    headers, number, expected = {}, 1, []
    for index, length in enumerate(lengths):
        expected.append(tuple(range(number, number + length)))
        for step in range(length):
            headers[number] = header(90.3 * index + width * step, width)
            number += 1
    segments, _ = split(headers)
    assert [s.numbers for s in segments] == expected
    assert np.all([s.oscillation[1] == pytest.approx(width) for s in segments])
