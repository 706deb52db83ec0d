"""The parts of integration: prediction, spot shapes, shadows, shoeboxes, profiles, corrections."""
