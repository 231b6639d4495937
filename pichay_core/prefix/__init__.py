"""The providers' prefix caches, simulated: what a request would be billed, without sending it.

A request is a :class:`Chain` of units with markers on some of them. A cache is a value:
``billed = cache.bill(request)`` gives the usage and the cache after it, and leaves the first one
as it was, so a what-if is a second call. Nothing here knows a wire format, a price or the time.

One file for each provider; a new one needs a rules dataclass, a cache, and a line here.
"""

from pichay_core.models import claude_version, minimum_prefix
from pichay_core.prefix.anthropic import AnthropicCache, AnthropicRules
from pichay_core.prefix.automatic import AutomaticCache, AutomaticRules
from pichay_core.prefix.chain import Chain, Part, Unit, common, identity
from pichay_core.prefix.entries import Habits
from pichay_core.prefix.gemini import gemini_cache
from pichay_core.prefix.openai import BreakpointCache, BreakpointRules, openai_cache
from pichay_core.prefix.request import Billed, Mark, PrefixCache, Refused, Request, Ttl

__all__ = [
    "AnthropicCache",
    "AnthropicRules",
    "AutomaticCache",
    "AutomaticRules",
    "Billed",
    "BreakpointCache",
    "BreakpointRules",
    "Chain",
    "Habits",
    "Mark",
    "Part",
    "PrefixCache",
    "Refused",
    "Request",
    "Ttl",
    "Unit",
    "cache_for",
    "common",
    "identity",
]


def cache_for(model: str) -> PrefixCache | None:
    """Return the empty cache of *model*'s provider; None if how it caches is not known.

    The model is not part of the scope of what is billed with it: use one cache for each.
    """
    if claude_version(model) is not None:
        return AnthropicCache(AnthropicRules(minimum_prefix(model)))
    return openai_cache(model) or gemini_cache(model)
