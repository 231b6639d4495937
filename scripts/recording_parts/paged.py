"""A page on its way through a session, as its row."""

import json
import random
from dataclasses import dataclass

from recording_parts.cast import Tool


@dataclass(slots=True)
class Made:
    """One page; what changes of it while its session goes on is changed here."""

    id: str
    position: int
    tool: Tool
    label: str
    digest: str
    tokens: int
    born: int
    request: int
    message: int
    last_use: int
    state: str = "resident"
    handle: str | None = None
    uses: int = 0
    faults: int = 0
    pin_since: int | None = None
    moved: int | None = None
    form: str | None = None
    released: bool = False

    @property
    def out(self) -> bool:
        return self.state in ("evicted", "collected")

    @property
    def bytes(self) -> int:
        return self.tokens * 4

    def row(self, session: str) -> dict[str, object]:
        """Return the row of table ``pages``."""
        addressable = self.tool.kind in ("read", "query")
        return {
            "session": session,
            "id": self.id,
            "position": self.position,
            "handle": self.handle,
            "call_id": f"toolu_{self.id}",
            "tool": self.tool.name,
            "arguments": json.dumps({"target": self.label}),
            "label": self.label,
            "kind": self.tool.kind,
            "key_tool": self.tool.name if addressable else None,
            "key_target": self.label if addressable else None,
            "span_first": 1 if addressable else None,
            "span_last": None,
            "writes": self.label if self.tool.kind == "write" else None,
            "digest": self.digest,
            "bytes": self.bytes,
            "lines": 1 + self.tokens // 10,
            "tokens": self.tokens,
            "counted_tokens": self.tokens * 19 // 20,
            "error": 0,
            "opaque": 0,
            "cleared": 0,
            "state": self.state,
            "born": self.born,
            "last_use": self.last_use,
            "uses": self.uses,
            "faults": self.faults,
            "pin_strength": None if self.pin_since is None else 1.0,
            "pin_since": self.pin_since,
            "moved": self.moved,
            "stale": 0,
            "repairs": None,
            "repaired_stale": 0,
            "request": self.request,
            "message": self.message,
            "form": self.form,
            "source": None,
            "form_bytes": self.bytes // 3 if self.form else None,
            "released": 1 if self.released else None,
            "summary": None,
        }


def tokens_of(tool: Tool, drawn: random.Random) -> int:
    return max(20, min(30_000, int(tool.tokens * drawn.lognormvariate(0, 0.9))))
