"""Images in files of their own: headers to models, pixels to frames; and frames whatever the format."""
