"""Several crystals as one: whose cells agree, and in which setting their intensities do.

Brehm & Diederichs (2014), Acta D70, 101; Gildea & Winter (2018), Acta D74, 405. Conventions are those of `symmetry`.
A data set has a copy for each rotation W of the lattice: the copy's value at hkl is what was measured at hkl W. Two
copies (i, a) and (j, b) correlate as i and j do where j is turned by a^-1 b. The setting s of a data set is the
rotation whose copy is in the common basis: with F(hkl) = I(hkl W_s), a symmetry element w relates copies s and w s.
"""
