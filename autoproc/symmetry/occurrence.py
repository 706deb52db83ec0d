"""How often space groups occur among crystals of small molecules.

Percent of the organic and organometallic structures of the Cambridge Structural Database, rounded; the order and
the first dozen are the same in every count since Mighell, Himes & Rodgers (1983), Acta A39, 737.
"""

from __future__ import annotations

PERCENT = {
    14: 34.3, 2: 25.0, 15: 8.3, 19: 7.2, 4: 5.1, 61: 3.3, 33: 1.4, 62: 1.2, 9: 1.1, 1: 1.0, 60: 0.8, 5: 0.8, 29: 0.7,
    148: 0.7, 11: 0.6, 12: 0.5, 13: 0.5, 56: 0.4, 18: 0.4, 7: 0.4, 88: 0.4, 43: 0.35, 96: 0.25, 92: 0.25, 167: 0.25,
    147: 0.2, 86: 0.2, 63: 0.15, 82: 0.15, 114: 0.12, 54: 0.12, 36: 0.12, 20: 0.12, 52: 0.1, 57: 0.1, 58: 0.1,
    161: 0.1, 146: 0.1, 76: 0.1, 78: 0.1, 144: 0.1, 145: 0.1, 64: 0.1, 70: 0.1, 45: 0.1, 41: 0.1, 31: 0.1, 205: 0.08,
}  # fmt: skip
"""By number in International Tables."""
SELDOM = 0.02
"""Percent, of every other group: most of the 180 that are left have fewer."""


def percent_of(number: int) -> float:
    """How many percent of small-molecule crystals have this space group."""
    return PERCENT.get(number, SELDOM)
