"""The parts of refinement: symmetry constraints, smoother, gradients, outliers, least squares."""
