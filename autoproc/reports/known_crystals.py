"""Crystals that turn up where another was meant: proteins of hosts, purification and tests, salts of the mother liquor.

Proteins: entries of the Protein Data Bank, with the cells of their files but for 2LZT, 1THW, 2PRK, 7RSA, 1JBC, 1XIB,
1HRC, 4BLC, 1IWG and 1GRL, whose cells are those of the literature, not compared with a file. Those that are
crystallised by mistake after Hungler et al. (2016) J. Appl. Cryst. 49, 2252 (ContaMiner), Simpkin et al. (2018) Acta
D74, 595 (SIMBAD), Veesler et al. (2008) Acta F64, 880 (AcrB) and Psakis et al. (2009). Salts and small molecules: their
mineral or common name, at room temperature unless it is said. Cells are rounded as in the literature.
"""

from __future__ import annotations

from dataclasses import dataclass

from autoproc.geometry.lattice_distance import Cell


@dataclass(frozen=True, slots=True)
class KnownCrystal:
    """A crystal form: what it is, PDB entry ("" for what is none), space group, cell (Angstrom, degrees)."""

    name: str
    code: str
    space_group: str
    cell: Cell


PROTEINS = (
    KnownCrystal("hen egg-white lysozyme", "193L", "P 43 21 2", (78.54, 78.54, 37.77, 90, 90, 90)),
    KnownCrystal("hen egg-white lysozyme, triclinic", "2LZT", "P 1", (27.28, 31.98, 34.29, 88.53, 108.57, 111.89)),
    KnownCrystal("T4 lysozyme", "2LZM", "P 32 2 1", (61.2, 61.2, 96.8, 90, 90, 120)),
    KnownCrystal("thaumatin", "1THW", "P 41 21 2", (58.6, 58.6, 151.8, 90, 90, 90)),
    KnownCrystal("proteinase K", "2PRK", "P 43 21 2", (68.3, 68.3, 108.4, 90, 90, 90)),
    KnownCrystal("bovine trypsin", "3PTB", "P 21 21 21", (54.89, 58.52, 67.63, 90, 90, 90)),
    KnownCrystal("alpha-chymotrypsin", "4CHA", "P 1 21 1", (49.23, 67.39, 65.99, 90, 101.8, 90)),
    KnownCrystal("gamma-chymotrypsin", "1GCT", "P 42 21 2", (69.8, 69.8, 98.1, 90, 90, 90)),
    KnownCrystal("bovine pancreatic trypsin inhibitor", "5PTI", "P 21 21 21", (74.1, 23.4, 28.9, 90, 90, 90)),
    KnownCrystal("bovine ribonuclease A", "7RSA", "P 1 21 1", (30.18, 38.4, 53.32, 90, 105.85, 90)),
    KnownCrystal("thermolysin", "8TLN", "P 61 2 2", (94.1, 94.1, 131.4, 90, 90, 120)),
    KnownCrystal("insulin with zinc", "4INS", "R 3:H", (82.5, 82.5, 34.0, 90, 90, 120)),
    KnownCrystal("insulin, cubic", "9INS", "I 21 3", (78.9, 78.9, 78.9, 90, 90, 90)),
    KnownCrystal("concanavalin A", "1JBC", "I 2 2 2", (61.95, 86.05, 89.1, 90, 90, 90)),
    KnownCrystal("glucose isomerase", "1XIB", "I 2 2 2", (93.88, 99.64, 102.9, 90, 90, 90)),
    KnownCrystal("horse ferritin", "1DAT", "F 4 3 2", (183.7, 183.7, 183.7, 90, 90, 90)),
    KnownCrystal("sperm whale myoglobin", "1MBN", "P 1 21 1", (64.5, 30.9, 34.7, 90, 106.0, 90)),
    KnownCrystal("human deoxyhaemoglobin", "2HHB", "P 1 21 1", (63.15, 83.59, 53.8, 90, 99.34, 90)),
    KnownCrystal("horse cytochrome c", "1HRC", "P 43", (58.4, 58.4, 42.09, 90, 90, 90)),
    KnownCrystal("human carbonic anhydrase II", "2CBA", "P 1 21 1", (42.7, 41.7, 73.0, 90, 104.6, 90)),
    KnownCrystal("bovine liver catalase", "4BLC", "P 32 2 1", (142.0, 142.0, 103.7, 90, 90, 120)),
    KnownCrystal("glycogen phosphorylase b", "1GPB", "P 43 21 2", (128.5, 128.5, 116.3, 90, 90, 90)),
    KnownCrystal("crambin", "1CBN", "P 1 21 1", (40.763, 18.492, 22.333, 90, 90.61, 90)),
    KnownCrystal("green fluorescent protein", "1EMA", "P 21 21 21", (51.77, 62.85, 70.67, 90, 90, 90)),
    KnownCrystal("AcrB of E. coli", "1IWG", "R 3 2:H", (144.5, 144.5, 518.0, 90, 90, 120)),
    KnownCrystal("GroEL of E. coli", "1GRL", "C 2 2 21", (178.4, 204.4, 278.1, 90, 90, 90)),
    KnownCrystal("cyanase of E. coli", "1DW9", "P 1", (76.34, 81.03, 82.3, 70.3, 72.2, 66.4)),
    KnownCrystal("carbonic anhydrase Can of E. coli", "2ESF", "P 43 2 2", (82.87, 82.87, 162.21, 90, 90, 90)),
    KnownCrystal("GlmS of E. coli", "1JXA", "C 1 2 1", (131.4, 112.4, 185.1, 90, 96.4, 90)),
    KnownCrystal("ArnA of E. coli, decarboxylase", "1U9J", "P 41 3 2", (150.53, 150.53, 150.53, 90, 90, 90)),
    KnownCrystal("ArnA of E. coli, transferase", "2BLN", "P 21 21 21", (67.18, 89.96, 97.89, 90, 90, 90)),
    KnownCrystal("CRP of E. coli", "4N9H", "P 61", (120.62, 120.62, 60.35, 90, 90, 120)),
    KnownCrystal("TEV protease", "1LVM", "P 43 21 2", (75.51, 75.51, 183.17, 90, 90, 90)),
)
SMALL = (
    KnownCrystal("ice at 100 K, hexagonal", "", "P 63/m m c", (4.497, 4.497, 7.322, 90, 90, 120)),
    KnownCrystal("ice, cubic", "", "F d -3 m", (6.358, 6.358, 6.358, 90, 90, 90)),
    KnownCrystal("sodium chloride", "", "F m -3 m", (5.64, 5.64, 5.64, 90, 90, 90)),
    KnownCrystal("potassium chloride", "", "F m -3 m", (6.293, 6.293, 6.293, 90, 90, 90)),
    KnownCrystal("ammonium chloride", "", "P m -3 m", (3.876, 3.876, 3.876, 90, 90, 90)),
    KnownCrystal("ammonium sulphate", "", "P n a m", (7.782, 10.636, 5.993, 90, 90, 90)),
    KnownCrystal("lithium sulphate monohydrate", "", "P 1 21 1", (5.455, 4.87, 8.175, 90, 107.3, 90)),
    KnownCrystal("sodium sulphate (thenardite)", "", "F d d d", (9.829, 12.302, 5.868, 90, 90, 90)),
    KnownCrystal("magnesium sulphate heptahydrate", "", "P 21 21 21", (11.87, 12.0, 6.86, 90, 90, 90)),
    KnownCrystal("calcium sulphate dihydrate (gypsum)", "", "I 1 2/a 1", (5.679, 15.202, 6.522, 90, 118.43, 90)),
    KnownCrystal("calcium hydrogen phosphate (brushite)", "", "I 1 a 1", (5.812, 15.18, 6.239, 90, 116.43, 90)),
    KnownCrystal("magnesium ammonium phosphate (struvite)", "", "P m n 21", (6.945, 11.208, 6.136, 90, 90, 90)),
    KnownCrystal("potassium dihydrogen phosphate", "", "I -4 2 d", (7.453, 7.453, 6.975, 90, 90, 90)),
    KnownCrystal("ammonium dihydrogen phosphate", "", "I -4 2 d", (7.499, 7.499, 7.549, 90, 90, 90)),
    KnownCrystal("calcium carbonate (calcite)", "", "R -3 c:H", (4.99, 4.99, 17.061, 90, 90, 120)),
    KnownCrystal("sucrose", "", "P 1 21 1", (10.863, 8.705, 7.758, 90, 102.95, 90)),
    KnownCrystal("glycine", "", "P 1 21/n 1", (5.105, 11.969, 5.464, 90, 111.7, 90)),
    KnownCrystal("imidazole", "", "P 1 21/c 1", (7.582, 5.371, 9.79, 90, 119.1, 90)),
)
"""Cells at 100 K are shorter by up to 1%."""
