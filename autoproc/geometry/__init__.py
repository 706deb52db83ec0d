"""Pure geometry: detector positions, rotations, reciprocal space. No policy, no input or output."""
