"""How far crystals that diffract better in some directions than in others do so in each."""
