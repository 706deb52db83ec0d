"""The folders of results: written aside, put in their place whole, and kept when others take it."""
