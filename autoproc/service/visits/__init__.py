"""What a visit says of itself, in files beside its images and its results, and where its results go."""
