"""Crystal symmetry from the lattice's metric and the reflections' intensities.

Conventions: a basis change is a (3, 3) matrix M whose rows are the new axes in terms of the old,
so hkl' = M hkl and the metric becomes M G M^T. A rotation is an integer matrix W acting on
fractional coordinates, x' = W x, so hkl' = W^T hkl and W^T G W = G (International Tables A).
"""
