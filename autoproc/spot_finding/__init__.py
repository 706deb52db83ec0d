"""The parts of spot finding: pixels into spots, their centroids, and what to warn of."""
