"""What strangers' files hold: asked of processes that may be killed, and what that makes of a series of images."""
