"""A page's entry as a row, and the row as an entry: the only place that knows both."""

from collections.abc import Mapping
from typing import Any

from pichay_core.model import (
    Call,
    Form,
    Handle,
    Key,
    Kind,
    Page,
    PageId,
    SessionId,
    Span,
    State,
)  # fmt: skip
from pichay_core.table import Entry, Pin

type Row = dict[str, Any]


def page_row(session: SessionId, position: int, entry: Entry) -> Row:
    """Return the row of table ``pages``; *position* is the order of admission."""
    page, call, key, pin = entry.page, entry.page.call, entry.page.call.key, entry.pin
    return {
        "session": session,
        "id": page.id,
        "position": position,
        "handle": entry.handle,
        "call_id": call.id,
        "tool": call.tool,
        "arguments": call.arguments,
        "label": call.label,
        "kind": call.kind.value,
        "key_tool": key.tool if key else None,
        "key_target": key.target if key else None,
        "span_first": key.span.first if key else None,
        "span_last": key.span.last if key else None,
        "writes": call.writes,
        "digest": page.digest,
        "bytes": page.bytes,
        "lines": page.lines,
        "tokens": page.tokens,
        "error": page.error,
        "opaque": page.opaque,
        "cleared": page.cleared,
        "state": entry.state.value,
        "born": entry.born,
        "last_use": entry.last_use,
        "uses": entry.uses,
        "faults": entry.faults,
        "pin_strength": pin.strength if pin else None,
        "pin_since": pin.since if pin else None,
        "moved": entry.moved,
        "stale": entry.stale,
        "repairs": entry.repairs,
        "repaired_stale": entry.repaired_stale,
        "form": None if entry.form is Form.WHOLE else entry.form.value,
        "source": entry.source,
        "form_bytes": None if entry.form is Form.WHOLE else entry.form_bytes,
        "released": entry.released or None,
        "summary": entry.summary or None,
    }


def entry_of(row: Mapping[str, Any]) -> Entry:
    """Return the entry of the page table that a row of ``pages`` was."""
    pin = None if row["pin_strength"] is None else Pin(row["pin_strength"], row["pin_since"])
    return Entry(
        page=_page_of(row),
        state=State(row["state"]),
        born=row["born"],
        last_use=row["last_use"],
        uses=row["uses"],
        faults=row["faults"],
        pin=pin,
        handle=row["handle"] and Handle(row["handle"]),
        moved=row["moved"],
        stale=bool(row["stale"]),
        repairs=row["repairs"] and PageId(row["repairs"]),
        repaired_stale=bool(row["repaired_stale"]),
        form=Form(row.get("form") or Form.WHOLE),
        source=PageId(row["source"]) if row.get("source") else None,
        form_bytes=row.get("form_bytes") or 0,
        released=bool(row.get("released")),
        summary=row.get("summary") or "",
    )


def _page_of(row: Mapping[str, Any]) -> Page:
    key = None
    if row["key_tool"] is not None:
        key = Key(row["key_tool"], row["key_target"], Span(row["span_first"], row["span_last"]))
    return Page(
        id=PageId(row["id"]),
        call=Call(
            id=row["call_id"],
            tool=row["tool"],
            arguments=row["arguments"],
            kind=Kind(row["kind"]),
            label=row["label"],
            key=key,
            writes=row["writes"],
        ),
        digest=row["digest"],
        bytes=row["bytes"],
        lines=row["lines"],
        tokens=row["tokens"],
        error=bool(row["error"]),
        opaque=bool(row["opaque"]),
        cleared=bool(row["cleared"]),
    )
