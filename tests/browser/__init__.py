"""Pages in a browser: one folder, one browser (see conftest.py)."""
