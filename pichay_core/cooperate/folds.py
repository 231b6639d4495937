"""Collapse: the model asks for a summary to stand for old turns, and may have them back.

Rule of this file: only whole exchanges, and of what was asked for never more than that. A range is
made smaller until it begins at a reply and ends before one: so the first message of the user, the
message before the range and the last reply in it stay, and every call in it is answered in it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pichay_core.cooperate.commands import Collapse
from pichay_core.cooperate.fold import RECALL, Fold
from pichay_core.folding import covers, digest_of, folding_of, gain_of
from pichay_core.model import Handle, PageId
from pichay_core.session import Session
from pichay_core.stubs import handle_of
from pichay_core.thinking import ASSISTANT, thoughts
from pichay_core.transcript import USER
from pichay_core.wire.format import Format
from pichay_core.wire.message import Message

LONGEST_SUMMARY = 8_000
"""Characters."""

_SERVED = ("web_search_tool_result", "web_fetch_tool_result")
_MAY_GO = frozenset(
    (
        *("text", "image", "document", "search_result", "tool_use", "tool_result"),
        *("thinking", "redacted_thinking", "reasoning", "server_tool_use"),
        *_SERVED,
    )
)
"""Types of content blocks that say nothing which later messages, or the provider, need. Not among
them: a compaction (all before it is ignored), definitions that were looked up, containers."""
_LOOKED_UP = b'"tool_reference"'


def collapsed(session: Session, command: Collapse) -> tuple[Session, str, bool]:
    """Return the session that has been asked to collapse, what to answer, and if it was refused."""
    after = asked(session, command)
    if isinstance(after, str):
        return session, after, True
    return after, promised(after.folds[-1]), False


def asked(session: Session, command: Collapse) -> Session | str:
    """Return the session with one more fold that waits, or why it cannot be, and what to do.

    The new fold may contain older ones: its summary is the only one then.
    """
    summary = command.summary.encode(errors="replace").decode().strip()
    if why := _stopped(session) or _unfit(summary):
        return why
    found = _bounds(session, command.first, command.last)
    if found is None:
        return _nothing_there(session)
    fold = _fold(session, *found, summary)
    if why := _refused(session, fold):
        return why
    kept = (f for f in session.folds if f.done is not None or not fold.contains(f))
    return replace(session, folds=(*kept, fold))


def promised(fold: Fold) -> str:
    """Return what is answered when a fold has been asked for."""
    first, last = fold.turns
    return (
        f"Noted: turns {first:,} to {last:,} will be collapsed into your summary later, when "
        "that costs least; until then they stay as they are. It covers "
        f"{fold.messages:,} messages, from the reply in turn {first:,} to the message that begins "
        f"turn {last:,}. What stands before them, and the reply in turn {last:,}, stay."
    )


def named(session: Session, handle: str) -> Fold | None:
    """Return the fold that was given this handle and has been carried out, None if none was."""
    found = (fold for fold in session.folds if fold.handle == handle)
    return next((fold for fold in found if fold.done is not None), None)


def folded_text(session: Session, fold: Fold, format: Format) -> str | None:
    """Return the turns of a fold as plain text, None if the client does not send them any more."""
    if not covers(fold, session.messages):
        return None
    return rendered(session.messages[fold.first : fold.until], format)


def rendered(messages: Sequence[Message], format: Format) -> str:
    """Return messages as plain text: who says what, calls with arguments, results."""
    parts = (f"[{message.role}]\n{format.plain(message.raw)}" for message in messages)
    return "\n\n".join(parts)


def _stopped(session: Session) -> str | None:
    stopped = session.frozen or session.held
    return "Nothing more is moved out of this conversation." if stopped else None


def _unfit(summary: str) -> str | None:
    if not summary:
        return "The summary is empty. Say in it what a reader of these turns must still know."
    if len(summary) > LONGEST_SUMMARY:
        return (
            f"The summary has {len(summary):,} characters; it may have {LONGEST_SUMMARY:,}. "
            "Make it shorter, or collapse fewer turns at a time."
        )
    return None


def _bounds(session: Session, first: int, last: int) -> tuple[int, int] | None:
    """Return the largest range of whole exchanges within these turns, None if there is none."""
    turns, messages = dict(_turns(session)), session.messages
    begins = min((at for at, turn in turns.items() if turn >= first), default=len(messages))
    ends = min((at for at, turn in turns.items() if turn > last), default=len(messages))
    edges = [at for at in _edges(messages) if begins < at < ends]
    return (edges[0], edges[-1]) if len(edges) > 1 else None


def _edges(messages: Sequence[Message]) -> Iterator[int]:
    """Yield the positions of the replies that follow a message of the user."""
    for at in range(1, len(messages)):
        if messages[at].role == ASSISTANT and messages[at - 1].role == USER:
            yield at


def _turns(session: Session) -> Iterator[tuple[int, int]]:
    """Yield the position of each message of the user with its turn: the last one's is now."""
    users = [at for at, message in enumerate(session.messages) if message.role == USER]
    for back, at in enumerate(reversed(users)):
        yield at, session.turn - back


def _fold(session: Session, first: int, until: int, summary: str) -> Fold:
    messages, turns = session.messages[first:until], dict(_turns(session))
    inside = [turn for at, turn in turns.items() if first <= at < until]
    digest = digest_of(messages)
    users = [message for message in messages if message.role == USER]
    return Fold(
        first=first,
        until=until,
        turns=(min(inside) - 1, max(inside)),
        summary=summary,
        handle=_handle(digest, session.secret),
        digest=digest,
        asked=session.turn,
        results=sum(len(message.results) for message in messages),
        prompts=sum(not message.results for message in users),
        thoughts=sum(map(thoughts, messages)),
        recallable=session.birth is not None and RECALL in session.birth.offers,
    )


def _handle(digest: str, secret: bytes) -> Handle:
    return handle_of(PageId(f"turns {digest}"), secret)


def _refused(session: Session, fold: Fold) -> str | None:
    """Say why a fold cannot be, None if it can."""
    if why := _in_the_way(session, fold) or _must_stay(session.messages, fold):
        return why
    if gain_of(session, folding_of(session, fold)) <= 0:
        return "These turns take less room than the summary. Nothing was changed."
    return None


def _in_the_way(session: Session, fold: Fold) -> str | None:
    """Say which older fold a new one would cut, or would only repeat."""
    for other in session.folds:
        if other.gone or not fold.overlaps(other):
            continue
        again = other.done is not None and other.contains(fold)
        if again or not fold.contains(other):
            turns = [*fold.turns, *other.turns]
            return (
                f"Turns {other.turns[0]:,} to {other.turns[1]:,} are collapsed already. Choose "
                "turns outside of these, or, with a summary of all of it, turns "
                f"{min(turns):,} to {max(turns):,} or more."
            )
    return None


def _must_stay(messages: Sequence[Message], fold: Fold) -> str | None:
    """Say what of a range the provider or later messages need; None if they need nothing of it."""
    inside = messages[fold.first : fold.until]
    what = None
    if any(message.role not in (USER, ASSISTANT) for message in inside):
        what = "instructions of the system"
    elif any(block.type not in _MAY_GO for message in inside for block in message.blocks):
        what = "something that must stay as it is"
    elif any(_LOOKED_UP in message.raw for message in inside):
        what = "definitions of tools"
    elif _ids(inside, "tool_use") != _ids(inside, "tool_result"):
        what = "a call that is not answered there"
    elif _unserved(messages[: fold.first]) or _unserved(inside):
        what = "a call that the provider has not answered yet"
    if what is None:
        return None
    first, last = fold.turns
    return f"Turns {first:,} to {last:,} hold {what}. Choose fewer turns, earlier or later ones."


def _ids(messages: Sequence[Message], kind: str) -> set[str | None]:
    return {block.id for message in messages for block in message.blocks if block.type == kind}


def _unserved(messages: Sequence[Message]) -> bool:
    kinds = [block.type for message in messages for block in message.blocks]
    return kinds.count("server_tool_use") > sum(kind in _SERVED for kind in kinds)


def _nothing_there(session: Session) -> str:
    turns, edges = dict(_turns(session)), list(_edges(session.messages))
    if len(edges) < 2:
        return "There is nothing to collapse yet: what is in the conversation is still in use."
    first = max((turn for at, turn in turns.items() if at < edges[0]), default=1)
    last = max((turn for at, turn in turns.items() if at < edges[-1]), default=1)
    return (
        "There is no whole exchange in these turns. A range of at least two turns within "
        f"{first:,} to {last:,} can be collapsed; each message of the user, and each set of tool "
        "results, begins a turn."
    )
