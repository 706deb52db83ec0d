"""What scripts/build_wheels is made of: interpreters, building, trying the wheels out."""
