"""``pichay stats --live``: a recording on screen, as it grows.

``loop`` watches the file and the keys, ``screen`` lays out what is seen, ``near`` draws the session
that is looked at, ``counts`` what was done, ``roll`` the list of sessions.
"""

from pichay_cli.live.loop import live_panel, watch, watch_until

__all__ = ["live_panel", "watch", "watch_until"]
