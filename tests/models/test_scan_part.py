from __future__ import annotations

import numpy as np
import pytest

from autoproc.models.experiment import Scan


@pytest.mark.parametrize("width", [0.5, -0.5])
def test_a_part_turns_as_the_whole(width):
    whole = Scan((3, 12), (10.0, width), np.full(10, 0.02), np.arange(10.0), batch_offset=7, excluded=(4, 6, 12))
    part = whole.part(5, 9)
    assert (part.image_range, part.n_images, part.batch_offset, part.excluded) == ((5, 9), 5, 7, (6,))
    assert part.exposure_times is part.epochs is None
    for frame in (0.0, 2.5, 5.0):
        assert part.phi_at(frame) == pytest.approx(whole.phi_at(frame + 2))


def test_from_the_first_image_on_it_begins_at_the_same_angle_to_the_bit():
    whole = Scan((3, 12), (0.1, 0.3))
    assert whole.part(3, 7).oscillation == whole.oscillation
