"""What `scripts/validate` compares and prints, one module for each kind of evidence."""
