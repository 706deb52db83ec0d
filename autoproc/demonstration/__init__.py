"""A beamline in a box: crystals that are simulated and collected, and the story of what the program makes of them."""
