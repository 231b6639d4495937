"""How full a request makes the window of its model.

Rule of this file: estimated from sizes and names, like the pages (``tokens.py``), so that live
traffic, a restart and a replay decide alike.
"""

from pichay_core.cacheprice import surcharges_of
from pichay_core.models import context_window
from pichay_core.prices import Prices
from pichay_core.request import Request
from pichay_core.schedule import Window
from pichay_core.tokens import tokens_of_bytes


def window_of(request: Request, size: int, model: str, prices: Prices) -> Window:
    """Return what the client's own text holds of the window of *model*, its head included.

    ``size`` is that of its messages, in bytes.
    """
    return Window(
        tokens=tokens_of_bytes(request.head.size + size, model),
        size=context_window(model, request.betas),
        surcharges=surcharges_of(model, request.at, prices, request.provider),
    )
