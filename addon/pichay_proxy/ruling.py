"""What decides in one request: the user's rules, in the mode that the request gets.

Rule of this file: pure. The tables are in ``pichay_core/modes.py``.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from pichay_core.birth.choice import Birth
from pichay_core.birth.clearing import worth_clearing
from pichay_core.birth.profile import Earlier, profiled
from pichay_core.cooperate.tools import NAMES
from pichay_core.modes import MODES, Mode
from pichay_core.prices import Prices
from pichay_core.request import Request
from pichay_core.turn import Rules
from pichay_core.warmth import CACHE_TTLS, ttl_of
from pichay_proxy.options import Settings


def rules_of(
    settings: Settings,
    request: Request,
    credential: str,
    prices: Prices,
    earlier: Callable[[], Sequence[Earlier]] | None,
    asks: bool,
) -> Rules:
    """Return the rules for a request with this kind of credential.

    *earlier* returns what like sessions did before, if a conversation begins with it; else None.
    *asks*: its host may be asked to clear.
    """
    name = settings.mode_for(credential, request.head.model)
    mode = MODES[name]
    return replace(
        settings.rules,
        mode=name,
        edit=settings.rules.edit and mode.edits,
        evicts=mode.evicts,
        births=settings.births_for(mode),
        birth=_wanted(settings, mode, request, prices, earlier, asks),
        prices=prices,
    )


def _wanted(
    settings: Settings,
    mode: Mode,
    request: Request,
    prices: Prices,
    earlier: Callable[[], Sequence[Earlier]] | None,
    asks: bool,
) -> Birth | None:
    """Return what a conversation is given that begins with this request, None if none does."""
    if earlier is None or not mode.edits:
        return None
    model, clears = request.head.model, 0
    if asks and mode.asks_provider(model):
        hour = ttl_of(request.head, request.messages) == CACHE_TTLS["1h"]
        clears = worth_clearing(model, request.at, hour, prices)
    told = mode.evicts or settings.births_for(mode).oversize > 0
    offers = NAMES if mode.evicts and settings.memory_tools else ()
    tags = mode.evicts and settings.cleanup_tags
    birth = Birth(told=told, clears=clears, once=mode.births, offers=offers, tags=tags)
    if not mode.definitions or not request.head.tool_names:
        return birth
    return profiled(birth, settings.tools, request, earlier())
