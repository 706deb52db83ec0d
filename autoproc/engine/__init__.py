"""Runs the stages through a plan: judges what they give, tries again where it is worth it, keeps the best."""
