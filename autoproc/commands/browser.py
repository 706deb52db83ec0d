"""A page in the browser of whoever sits at this machine."""

from __future__ import annotations

import os
import threading
import webbrowser


def opened_in_browser(address: str) -> bool:
    """Open a page where there is a screen and a browser for it; returns whether that was tried.

    Browsers of the terminal are none: they would take it away.
    """
    has_screen = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    if not has_screen or "SSH_CONNECTION" in os.environ:
        return False
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    if type(browser) is webbrowser.GenericBrowser:
        return False
    threading.Thread(target=browser.open, args=[address], daemon=True).start()
    return True
