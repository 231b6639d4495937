"""Which traffic is ours: by the host that a client asks for, or names in its handshake.

Rule of this file: it reads mitmproxy's connections and requests, and changes none.
"""

from collections.abc import Collection, Sequence

import msgspec
from mitmproxy import connection, http

from pichay_core.hosts import ANYWHERE, Path, paths_of
from pichay_proxy.exchange import Arrived
from pichay_proxy.routes import Route, route_of

_NO_SOCKET = {
    "type": "websocket_refused",
    "message": "Pichay was told to have requests over HTTP (pichay_http_fallback).",
}


def is_reverse(client: connection.Client) -> bool:
    """In reverse mode the user named the one upstream there is."""
    return client.proxy_mode.type_name == "reverse"


def paths_for(flow: http.HTTPFlow, own: Collection[str]) -> Sequence[Path] | None:
    """Return the paths that are looked at where a request goes to, None if none is.

    By the host asked for, or by the name in the handshake if that is a mere address.
    """
    asked = paths_of(flow.request.host, own)
    named = paths_of(flow.client_conn.sni or "", own) if asked is None else asked
    return ANYWHERE if named is None and is_reverse(flow.client_conn) else named


def route_for(flow: http.HTTPFlow, own: Collection[str]) -> Route | None:
    """Return the route of a request, None if it is none of ours.

    One that asks for a WebSocket has the route of the request that it stands for.
    """
    method = "POST" if wants_socket(flow.request) else flow.request.method
    return route_of(method, flow.request.path, paths_for(flow, own) or ())


def wants_socket(request: http.Request) -> bool:
    """True if a request asks to go on as a WebSocket."""
    upgrade = request.headers.get("upgrade", "").strip().lower()
    return request.method == "GET" and upgrade == "websocket"


def upgrade_required() -> http.Response:
    """Return what lets a client that asked for a WebSocket send the same over HTTP.

    Codex does so at once after this status, after any other it tries again for seconds (public
    issue threads of openai/codex). RFC 9110, 15.5.22 wants the header ``Upgrade``.
    """
    headers = {
        "content-type": "application/json",
        "upgrade": "HTTP/1.1",
        "connection": "Upgrade, close",
    }
    return http.Response.make(426, msgspec.json.encode({"error": _NO_SOCKET}), headers)


def arrived(flow: http.HTTPFlow, route: Route, body: bytes, at: float, started: int) -> Arrived:
    """Return a request as it is handed on. A key in its query counts as one in its headers."""
    request = flow.request
    headers = {name.lower(): value for name, value in request.headers.items()}
    if key := request.query.get("key"):
        headers.setdefault("x-goog-api-key", key)
    return Arrived(route, request.pretty_host, headers, body, at, started)
