"""The nouns: what the stages take and give."""
