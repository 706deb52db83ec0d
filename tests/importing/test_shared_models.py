from __future__ import annotations

from dataclasses import replace

import numpy as np
from synthetic_spots import beam_shifted, sweep

from autoproc.formats.dials.expt import read_expt, write_expt
from autoproc.importing.shared_models import is_same_model, with_shared_models
from autoproc.models.experiment import Goniometer


def test_models_that_are_equal_become_one_object():
    one, two = with_shared_models([sweep(), sweep(start=90.0)])
    assert one.beam is two.beam
    assert one.detector is two.detector
    assert one.goniometer is two.goniometer
    assert one.scan is not two.scan


def test_a_pixel_s_shift_another_wavelength_or_another_kappa_keeps_models_apart():
    base = sweep()
    turned = replace(sweep(), goniometer=Goniometer(fixed=np.diag([1.0, -1.0, -1.0])))
    given = [base, beam_shifted(sweep(), (1, 0)), sweep(wavelength=1.1), turned]
    one, shifted, longer, kappa = with_shared_models(given)
    assert one.detector is not shifted.detector
    assert one.beam is shifted.beam
    assert one.beam is not longer.beam
    assert one.goniometer is longer.goniometer
    assert one.goniometer is not kappa.goniometer
    assert one.detector is kappa.detector


def test_what_is_shared_is_shared_in_the_file_and_when_it_is_read_again(tmp_path):
    write_expt(tmp_path / "imported.expt", with_shared_models([sweep(), sweep(start=40.0), sweep(distance=170.0)]))
    first, second, third = read_expt(tmp_path / "imported.expt")
    assert first.detector is second.detector
    assert first.detector is not third.detector
    assert first.beam is third.beam


def test_parts_of_another_kind_or_length_differ():
    assert not is_same_model((1, 2), (1, 2, 3))
    assert not is_same_model(None, np.eye(3))
    assert not is_same_model(np.eye(3), np.eye(2))
    assert is_same_model(np.eye(3), np.eye(3))
