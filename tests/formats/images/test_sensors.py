from __future__ import annotations

import pytest

from autoproc.formats.images.sensors import attenuation, sensor_symbol


@pytest.mark.parametrize(
    ("material", "wavelength", "mu"),
    [
        ("Silicon", 0.9763, 3.922624691862258),
        ("Si", 0.6889, 1.4153536370336604),
        ("CdTe", 0.9763, 45.11810049285783),
        ("CdTe", 0.5, 7.4492529402964305),
        ("CdTe", 0.4, 12.4265750450062),
    ],
)
def test_attenuation_is_that_of_dxtbx(material, wavelength, mu):
    assert attenuation(material, wavelength)[1] == pytest.approx(mu, rel=1e-6)


@pytest.mark.parametrize(("material", "wavelength"), [("diamond", 1.0), ("", 1.0), ("Si", 0.0), ("Si", 50.0)])
def test_no_attenuation_where_nothing_is_known(material, wavelength):
    assert attenuation(material, wavelength)[1] == 0.0


def test_names_of_materials():
    names = ("silicon", "CdTe", "CZT", "Gallium  Arsenide", "wood")
    assert [sensor_symbol(n) for n in names] == ["Si", "CdTe", "CZT", "GaAs", ""]
