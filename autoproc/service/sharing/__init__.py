"""One sweep's work shared among several processes: pieces in a folder, who takes them, and who has the sweep."""
