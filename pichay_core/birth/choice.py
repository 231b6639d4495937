"""What a session was given at its birth: chosen once, kept for as long as it lives.

Rule of this file: what stands before the messages is the front of every cached prefix, and what
thinking is bound to. So a choice is made on the first request of a conversation that has only
begun, or never.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import msgspec

# What reads recordings asks for births, and has no use for the readers of requests.
if TYPE_CHECKING:
    from pichay_core.request import Request

type Way = Literal["whole", "short", "deferred"]
"""How definitions go out: as they came, in short, or kept out of the prefix by the provider."""


@dataclass(frozen=True, slots=True)
class Birth:
    """How the front of a session differs from what the client sends."""

    told: bool = False
    """The protocol text stands behind the client's system prompt."""
    once: bool = False
    """Skills that the client lists more than once in a message go out once."""
    way: Way = "whole"
    """How the tools among ``names`` go out."""
    names: frozenset[str] = frozenset()
    called: frozenset[str] = frozenset()
    """Of those, the ones that the model has called or looked up all the same."""
    whole: frozenset[str] = frozenset()
    """Of those, the ones that go out in full again since a moment when that was due."""
    why: str = ""
    """Why the definitions go out the way they do; empty if nobody asked."""
    clears: int = 0
    """Tokens that the provider is asked to clear at least, whenever it does; 0 if it is not."""
    offers: tuple[str, ...] = ()
    """Tools of ours that stand behind the client's, in their order."""
    tags: bool = False
    """The model is told of tags in which it may ask for the same."""
    nonce: str = ""
    """The word that these tags carry."""

    @property
    def reduced(self) -> frozenset[str]:
        """The tools of which the model is not given the full definition now."""
        return self.names - self.whole

    def as_text(self) -> str:
        """Return it as JSON, the same for equal values."""
        return msgspec.json.encode(self, order="sorted").decode()


def birth_of(text: str) -> Birth:
    """Return what :meth:`Birth.as_text` wrote. Raises msgspec.DecodeError on anything else."""
    return msgspec.json.decode(text, type=Birth)


def only_begun(request: "Request") -> bool:
    """True if the model has said nothing yet: so nothing is cached, and nothing is bound."""
    return all(message.role != "assistant" for message in request.messages)


def chosen(wanted: Birth, request: "Request") -> Birth:
    """Return what a conversation is given that begins with this request.

    A conversation without tools brings no tool result, so it need not be told of any. Where the
    provider keeps the model's replies, one may be gone on from that holds a call to a tool of ours
    and no answer: then the model is offered none.
    """
    tools = frozenset(request.head.tool_names)
    asks = bool(tools) and not request.head.unanswerable
    names = wanted.names & tools
    return replace(
        wanted,
        told=wanted.told and bool(tools),
        way=wanted.way if names else "whole",
        names=names,
        clears=wanted.clears if tools and not request.format.manages(request.outline) else 0,
        offers=wanted.offers if asks else (),
        tags=wanted.tags and asks,
    )
