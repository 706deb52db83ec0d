"""Parameters in the words of DIALS, and what they are called here."""
