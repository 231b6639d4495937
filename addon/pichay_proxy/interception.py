"""Which connections are decrypted, and what is said where one should be and is not.

Rule of this file: hooks of mitmproxy on connections. What mitmproxy or another script decides after
us is looked at once it is decided, and never changed.
"""

import asyncio
import time
from collections.abc import Callable

from mitmproxy import connection, ctx, http, tls
from mitmproxy.proxy import layer
from mitmproxy.proxy.layers import TCPLayer
from mitmproxy.proxy.server_hooks import ServerConnectionHookData

from pichay_core.birth.project import client_of
from pichay_core.events import Warned
from pichay_core.hosts import UNDECRYPTED, left_alone, paths_of
from pichay_proxy.boundary import FailOpen
from pichay_proxy.connections import hang_up, host_meant, many_connections
from pichay_proxy.options import Settings
from pichay_proxy.paging import Paging
from pichay_proxy.traffic import is_reverse

_PASSED_BY = "mitmproxy was told to pass it on (ignore_hosts, allow_hosts, tcp_hosts)"
_OTHER_SCRIPT = "another script of mitmproxy's passes it on"


class Interception:
    """The hooks on connections."""

    _settings: Settings | None = None
    _paging: Paging | None = None

    def __init__(self) -> None:
        self._agents: dict[str, str] = {}
        self._tunnelled: set[str] = set()

    def client_connected(self, client: connection.Client) -> None:
        """Allow a client more than five streams to one host."""
        with self._boundary():
            server = ctx.master.addons.get("proxyserver")
            handler = server.connections.get(client.id) if server else None
            if handler is not None:
                handler.max_conns.default_factory = many_connections

    def http_connect(self, flow: http.HTTPFlow) -> None:
        """Remember which program opens a tunnel, for the case that it refuses what it finds."""
        with self._boundary():
            agent = client_of(flow.request.headers.get("user-agent", ""))
            self._agents[flow.client_conn.id] = agent

    def client_disconnected(self, client: connection.Client) -> None:
        """Forget a client that has left."""
        self._agents.pop(client.id, None)

    def server_disconnected(self, data: ServerConnectionHookData) -> None:
        """Let nobody go on talking upstream to a client that has left."""
        with self._boundary():
            server = ctx.master.addons.get("proxyserver")
            handler = server.connections.get(data.client.id) if server else None
            if handler is not None:
                hang_up(handler, data.server)

    def next_layer(self, chosen: layer.NextLayer) -> None:
        """Look what becomes of a connection, once mitmproxy has chosen."""
        with self._boundary():
            asyncio.get_running_loop().call_soon(self._was_chosen, chosen)

    def _was_chosen(self, chosen: layer.NextLayer) -> None:
        with self._boundary():
            if isinstance(chosen.layer, TCPLayer) and not is_reverse(chosen.context.client):
                client = chosen.context.client
                self._not_read(host_meant(chosen.context, client.sni), _PASSED_BY)

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """Tunnel every host that is not listed, without decrypting it."""
        with self._boundary():
            if is_reverse(data.context.client):
                return
            host = host_meant(data.context, data.client_hello.sni)
            if not self._listed(host):
                data.ignore_connection = True
                self._by_design(host)
            else:
                asyncio.get_running_loop().call_soon(self._said_hello, data, host)

    def _said_hello(self, data: tls.ClientHelloData, host: str) -> None:
        with self._boundary():
            if data.ignore_connection:
                self._not_read(host, _OTHER_SCRIPT)

    def tls_failed_client(self, data: tls.TlsData) -> None:
        """Record that a client does not trust our certificate: the most common trouble."""
        with self._boundary():
            host = host_meant(data.context, data.conn.sni)
            if self._paging is not None and self._listed(host):
                client = self._agents.get(data.context.client.id, "")
                error = data.conn.error or ""
                self._paging.refused_certificate(host, error, time.time(), client)
                self._warn_once(
                    f"{client or 'the client'} refused Pichay's certificate for {host}: set "
                    "SSL_CERT_FILE, NODE_EXTRA_CA_CERTS or REQUESTS_CA_BUNDLE to mitmproxy's CA "
                    "(pichay doctor)"
                )

    def _not_read(self, host: str, why: str) -> None:
        """Say once that traffic of a model API passes undecrypted."""
        if self._listed(host) and self._recorded_once(host, why):
            self._warn_once(
                f"{host} passes undecrypted, and nothing of it is paged: {why} (pichay doctor)"
            )

    def _by_design(self, host: str) -> None:
        """Record once that an agent talks to a host that is never looked at."""
        if why := left_alone(host):
            self._recorded_once(host, why)

    def _recorded_once(self, host: str, why: str) -> bool:
        if self._paging is None or host in self._tunnelled:
            return False
        self._tunnelled.add(host)
        self._paging.warned(Warned(UNDECRYPTED, f"{host}: {why}"), time.time())
        return True

    @property
    def _own_hosts(self) -> frozenset[str]:
        return self._settings.hosts if self._settings is not None else frozenset()

    def _listed(self, host: str) -> bool:
        return self._settings is not None and paths_of(host, self._own_hosts) is not None

    def _boundary(self, report: Callable[[BaseException], None] | None = None) -> FailOpen:
        raise NotImplementedError

    def _warn_once(self, text: str) -> None:
        raise NotImplementedError
