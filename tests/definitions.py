"""Tool definitions as clients send them: large ones, odd ones, and requests with them."""

import json
from typing import Any

from tests.builders import Talk, body

SAYS = "There is a lot that could be said of it here, and a model would read it every time. " * 12
SEARCH = {"type": "tool_search_tool_bm25_20251119", "name": "tool_search_tool_bm25"}
MCP = {"type": "mcp_toolset", "mcp_server_name": "wiki"}
SERVER = {"type": "web_search_20250305", "name": "web_search", "max_uses": 5}


def tool(_name: str, **changed: Any) -> dict[str, Any]:
    """A definition of about 1.2 kB, of which a tenth is left in short."""
    schema = {
        "type": "object",
        "properties": {"what": {"type": "string", "description": SAYS[:100]}},
        "required": ["what"],
    }
    whole = {"name": _name, "description": f"Does {_name}. {SAYS}", "input_schema": schema}
    return {key: value for key, value in (whole | changed).items() if value is not ...}


def tools(*names: str) -> list[dict[str, Any]]:
    return [tool(name) for name in names]


USUAL = tools("Read", "Edit", "Grep", "Bash", "Workflow")


def asks(talk: Talk, offered: object = USUAL, **fields: Any) -> bytes:
    """A request with these tools."""
    return json.dumps(json.loads(body(talk, **fields)) | {"tools": offered}).encode()


def front_of(upstream: bytes) -> tuple[str, str]:
    """The tools and the system prompt of a body, as text."""
    whole = json.loads(upstream)
    return json.dumps(whole.get("tools")), json.dumps(whole.get("system"))


def shortened_in(upstream: bytes) -> set[str]:
    """The tools whose definition is not in full."""
    offered = json.loads(upstream).get("tools") or []
    return {
        one.get("name", "")
        for one in offered
        if one.get("description") == f"Does {one.get('name')}."
    }


def deferred_in(upstream: bytes) -> set[str]:
    return {one["name"] for one in json.loads(upstream)["tools"] if one.get("defer_loading")}
