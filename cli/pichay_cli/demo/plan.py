"""What the scripted upstream is told to do, and what it remembers of each request.

Rule of this file: values only. A plan is given once, at the start.
"""

import base64
import hashlib
import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from pichay_core.model import Usage

type Headers = tuple[tuple[str, str], ...]


class Compression(StrEnum):
    """When replies are gzip."""

    NEVER = "never"
    ACCEPTED = "accepted"
    """When the request says it accepts gzip, as a well-behaved server."""
    ALWAYS = "always"
    """Whatever the request says, as a badly behaved one."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Message request number *turn* (the first is 1) is answered with this instead."""

    turn: int
    status: int
    body: bytes
    headers: Headers = (("content-type", "application/json"),)


@dataclass(frozen=True, slots=True)
class Cut:
    """The stream of message request number *turn* ends after *events* events.

    ``abrupt``: over HTTP/1.1 the connection is closed in the middle of the body; over HTTP/2
    the stream is ended in order, because the server library cannot reset one.
    """

    turn: int
    events: int
    abrupt: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """How the upstream behaves."""

    delay_seconds: float = 0.0
    """Between two events of a stream."""
    compression: Compression = Compression.NEVER
    failures: tuple[Failure, ...] = ()
    cuts: tuple[Cut, ...] = ()
    minimum_tokens: int = 1024
    """The shortest prefix that is cached; 1,024 is that of claude-sonnet-4-5."""
    log: Path | None = None
    """A file that gets one line of JSON per request, besides the record in memory."""

    def failure(self, turn: int) -> Failure | None:
        """Return the failure planned for this message request."""
        return next((failure for failure in self.failures if failure.turn == turn), None)

    def cut(self, turn: int) -> Cut | None:
        """Return the cut planned for the stream of this message request."""
        return next((cut for cut in self.cuts if cut.turn == turn), None)


@dataclass(frozen=True, slots=True)
class Received:
    """One request, as it came over the wire, and how it was answered."""

    number: int
    """Among all requests; the first is 1."""
    turn: int
    """Among the message requests; 0 for another request."""
    method: str
    path: str
    """With the query, if there is one."""
    http_version: str
    headers: Headers
    body: bytes
    """As received: still compressed, if it came compressed."""
    status: int
    usage: Usage | None = None

    @property
    def sha256(self) -> str:
        """The hash of the body as received, hexadecimal."""
        return hashlib.sha256(self.body).hexdigest()

    def header(self, name: str) -> str | None:
        """Return the first header of that name (lower case), or None."""
        return next((value for key, value in self.headers if key == name), None)

    def as_line(self) -> str:
        """Return the record as one line of JSON, the body in base64."""
        fields = asdict(self) | {
            "body": base64.b64encode(self.body).decode(),
            "sha256": self.sha256,
        }
        return json.dumps(fields) + "\n"
