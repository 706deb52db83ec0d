"""What scripts/kill_test kills, where that is at work, and whether the results are those of an undisturbed run."""
