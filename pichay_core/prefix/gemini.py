"""Gemini's implicit cache, simulated.

Rule of this file: what the guide says (Google, "Context caching", October 2026): on by default
from Gemini 2.5 on, a minimum by model, no fee for writing. When it hits is not said, only that
similar prefixes "in a short amount of time" increase the chance. So the simulation is the best
case, and ``hits=False`` the worst. Explicit ``cachedContents`` are a different thing and are not
simulated.
"""

import re

from pichay_core.prefix.automatic import AutomaticCache, AutomaticRules

IDLE_SECONDS = 300.0
"""Not documented: "a short amount of time"."""

_VERSION = re.compile(r"(?:^|[/.])gemini-(?P<major>\d+)(?:\.(?P<minor>\d+))?")
_MINIMUM = {(2, 5): 2048}
_MINIMUM_OF_NEWER = 4096


def gemini_cache(model: str) -> AutomaticCache | None:
    """Return the empty implicit cache of *model*; None if it is no Gemini from 2.5 on."""
    found = _VERSION.search(model.lower())
    if found is None:
        return None
    version = int(found["major"]), int(found["minor"] or 0)
    if version < (2, 5):
        return None
    minimum = _MINIMUM.get(version, _MINIMUM_OF_NEWER)
    return AutomaticCache(AutomaticRules(minimum, IDLE_SECONDS))
