"""A recorded session, to be replayed: the requests an agent made, whatever tool recorded it.

Rule of this file: values. Every format is read into the message values of live traffic
(:class:`pichay_core.wire.message.Message`), so that a replay runs the same code as a request.
"""

from dataclasses import dataclass

from pichay_core.model import Usage
from pichay_core.wire.message import Message


@dataclass(frozen=True, slots=True)
class Step:
    """One request to the model, and its reply."""

    keeps: int
    """How many messages of the request before are sent again; fewer than all after the client
    rewound or compacted its history."""
    new: tuple[Message, ...]
    """What follows them; usually the last reply and the results of its calls."""
    reply: Message | None
    """None if none was recorded: the recording ends before it, or the client went back or
    compacted its history. Whether such a request was made at all is not recorded."""
    model: str = ""
    at: float | None = None
    """Seconds since the epoch: when the client last spoke, else when the model answered. None
    if neither was recorded."""
    usage: Usage | None = None
    """As the provider billed it, None if it was not recorded."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation: a main one, or a subagent's."""

    id: str
    kind: str
    """``main`` or ``subagent``."""
    steps: tuple[Step, ...]
    project: str = ""
    """The folder that the agent worked in; empty if it was not recorded."""
    tools: bytes | None = None
    """The definitions that the model was offered, as one JSON list; None if not recorded."""

    @property
    def at(self) -> float | None:
        """When it began, in seconds since the epoch; None if that was not recorded."""
        return next((step.at for step in self.steps if step.at is not None), None)

    @property
    def model(self) -> str:
        """The first model that it names; empty if none was recorded."""
        return next((step.model for step in self.steps if step.model), "")

    @property
    def used(self) -> frozenset[str]:
        """The tools that the model called."""
        told = (m for step in self.steps for m in (*step.new, step.reply) if m is not None)
        return frozenset(call.tool for message in told for call in message.calls)


@dataclass(frozen=True, slots=True)
class Trace:
    """One recording."""

    format: str
    conversations: tuple[Conversation, ...]
    skipped: int = 0
    """Lines or records that could not be read."""


class NotATrace(ValueError):
    """The file is not of this format, or broken; the text says what was found."""
