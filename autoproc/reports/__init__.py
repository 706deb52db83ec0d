"""What a person reads: summary, plots, report."""
