"""Which conversation a request belongs to, before its history is looked at.

One idea: an id that the client sends is believed; without one, a conversation is named by who
pays, the first thing its system prompt says and the first thing the user says. The client's
billing line and cache markers never count: they change with every request.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from pichay_core.wire.format import Head
from pichay_core.wire.message import Message

SESSION_HEADERS = ("x-claude-code-session-id", "x-session-id", "session-id", "x-affinity")
AGENT_HEADERS = ("x-claude-code-agent-id",)
THREAD_HEADERS = ("thread-id",)
"""Names a conversation within a session: its main one has the session's own id (Codex)."""
PARENT_HEADERS = ("x-claude-code-parent-agent-id", "x-parent-session-id",
                  "x-codex-parent-thread-id", "x-openai-subagent")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Identity:
    """Names a group of requests: one conversation, and perhaps its side calls and forks."""

    name: str
    """A hash; holds no credential that could be read back."""
    source: str
    """``header``, ``metadata`` or ``content``: how sure this is, in falling order."""
    subagent: bool = False


def identify(
    credential: str, headers: Mapping[str, str], head: Head, messages: Sequence[Message]
) -> Identity:
    """Return the identity of a request. Header names are expected in lower case."""
    session = _first(headers, SESSION_HEADERS)
    agent = _first(headers, AGENT_HEADERS) or _thread(headers, session)
    subagent = bool(agent or _first(headers, PARENT_HEADERS))
    if session:
        return Identity(_hash(credential, "header", session, agent), "header", subagent)
    if session := session_in_user(head.user):
        return Identity(_hash(credential, "metadata", session, agent), "metadata", subagent)
    first_user = next((m.text for m in messages if m.role == "user" and m.text), "")
    name = _hash(credential, "content", head.first_system, first_user)
    return Identity(name, "content", subagent)


def shape_of(head: Head) -> str:
    """Return hashes of what a side call does not share with its conversation: prompt, tools."""
    return f"{_hash(head.first_system)} {_hash(*head.tool_names)}"


def same_prompt(shape: str, other: str) -> bool:
    """True if two shapes differ in their tools at most."""
    return shape.partition(" ")[0] == other.partition(" ")[0]


def session_in_user(user: str) -> str:
    """Return the session id that a client put into ``metadata.user_id``, else nothing.

    Claude Code sends a JSON object there, older versions ``user_X_account_Y_session_Z``.
    """
    if user.startswith("{"):
        try:
            return msgspec.json.decode(user, type=_User).session_id
        except msgspec.DecodeError:
            return ""
    return user.rpartition("_session_")[2] if "_session_" in user else ""


class _User(msgspec.Struct):
    session_id: str = ""


def _thread(headers: Mapping[str, str], session: str) -> str:
    """Return the id of a conversation that is not the main one of its session, else nothing."""
    thread = _first(headers, THREAD_HEADERS)
    return thread if thread != session else ""


def _first(headers: Mapping[str, str], names: Sequence[str]) -> str:
    return next((headers[name] for name in names if headers.get(name)), "")


def _hash(*parts: str) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        encoded = part.encode(errors="surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()
