"""Sensor materials: how strongly they absorb X-rays, for the parallax and efficiency corrections."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

HC_KEV_ANGSTROM = 12.398419843

# Mass attenuation coefficients, cm2/g, against energy, keV, and densities, g/cm3: Hubbell & Seltzer,
# NIST Standard Reference Database 126. An energy given twice is an absorption edge, below and above.
_SILICON = (
    (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 80.0, 100.0, 150.0, 200.0),
    (2777.0, 978.4, 452.9, 245.0, 147.0, 64.68, 33.89, 10.34, 4.464, 1.436, 0.7012, 0.4385, 0.3207, 0.2228, 0.1835,
     0.1448, 0.1275),
)  # fmt: skip
_CADMIUM_TELLURIDE = (
    (2.0, 3.0, 3.537, 3.537, 3.631, 3.727, 3.727, 4.0, 4.018, 4.018, 4.177, 4.341, 4.341, 4.475, 4.612, 4.612, 4.773,
     4.939, 4.939, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 26.711, 26.711, 30.0, 31.814, 31.814, 40.0, 50.0, 60.0, 80.0,
     100.0, 150.0, 200.0),
    (1664.0, 614.6, 406.4, 778.7, 730.0, 684.0, 860.1, 723.0, 715.1, 793.4, 722.1, 656.2, 932.8, 873.9, 813.5, 943.8,
     870.2, 799.9, 865.3, 839.2, 528.6, 249.2, 138.1, 46.57, 21.44, 9.834, 29.43, 21.82, 18.73, 34.92, 19.3, 10.67,
     6.542, 3.019, 1.671, 0.6071, 0.3246),
)  # fmt: skip
_GALLIUM_ARSENIDE = (
    (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 10.3671, 10.3671, 11.0916, 11.8667, 11.8667, 15.0, 20.0, 30.0, 40.0, 50.0,
     60.0, 80.0, 100.0, 150.0, 200.0),
    (2731.0, 970.2, 453.9, 249.5, 152.4, 69.6, 37.8, 34.25, 126.0, 105.9, 88.99, 168.5, 92.2, 42.58, 13.97, 6.262,
     3.365, 2.042, 0.9587, 0.5598, 0.2509, 0.1671),
)  # fmt: skip

# Cadmium zinc telluride (about a tenth of the cadmium is zinc) absorbs as CdTe does within a few percent.
_MATERIALS = {
    "Si": (2.33, _SILICON),
    "CdTe": (6.2, _CADMIUM_TELLURIDE),
    "CZT": (5.8, _CADMIUM_TELLURIDE),
    "GaAs": (5.32, _GALLIUM_ARSENIDE),
}
_SYMBOLS = {
    "si": "Si", "silicon": "Si", "cdte": "CdTe", "cadmium telluride": "CdTe", "czt": "CZT", "cdznte": "CZT",
    "cadmium zinc telluride": "CZT", "gaas": "GaAs", "gallium arsenide": "GaAs",
}  # fmt: skip


def sensor_symbol(material: str) -> str:
    """Si, CdTe, CZT or GaAs for the names that headers use; "" for a material that is not known."""
    return _SYMBOLS.get(" ".join(material.lower().split()), "")


@lru_cache(maxsize=64)  # asked again for every header of a sweep
def attenuation(material: str, wavelength: float) -> tuple[str, float]:
    """Symbol and linear attenuation coefficient, 1/mm, of a sensor material at a wavelength, Angstrom.

    Log-log interpolation between the tabulated energies, 2 to 200 keV. ("", 0.0) for a material that is
    not known, and 0.0 outside the table.
    """
    symbol = sensor_symbol(material)
    if not symbol or wavelength <= 0:
        return symbol, 0.0
    density, (energies, coefficients) = _MATERIALS[symbol]
    energy = HC_KEV_ANGSTROM / wavelength
    if not energies[0] <= energy <= energies[-1]:
        return symbol, 0.0
    logarithm = np.interp(np.log(energy), np.log(energies), np.log(coefficients))
    return symbol, float(np.exp(logarithm)) * density / 10
