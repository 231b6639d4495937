"""Between the provider's reply and the client's: the one place that answers the model.

Rule of this file: all that a run needs to know of how calls to our tools are taken out of a reply
and answered is behind :func:`answered`.
"""

from dataclasses import dataclass
from typing import Any

from pichay_proxy.exchange import Arrived, Decision
from pichay_proxy.paging import Paging

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answered:
    """What becomes of a reply."""

    shown: list[Json]
    """Its blocks that the client is shown."""
    decision: Decision | None = None
    """The request that goes upstream in the client's place, None if the reply is whole."""


def answered(paging: Paging, arrived: Arrived, decision: Decision, reply: list[Json]) -> Answered:
    """Take the model's calls to our tools out of a reply, and answer them."""
    return Answered(reply)
