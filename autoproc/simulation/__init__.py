"""A rotation sweep with a known answer."""
