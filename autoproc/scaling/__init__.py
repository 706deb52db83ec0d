"""The parts of scaling: symmetry groups, the scaling model, its minimisation, errors and outliers."""
