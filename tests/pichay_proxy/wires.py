"""mitmproxy's real HTTP layer without sockets: what comes in and what goes out, hook by hook."""

import asyncio
import inspect
from collections import deque

from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.connection import Client, ConnectionState
from mitmproxy.options import Options
from mitmproxy.proxy import commands, events
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import HttpLayer, HTTPMode
from mitmproxy.proxy.mode_specs import ProxyMode

from pichay_proxy.continued import leg_ended
from pichay_proxy.streams import FIRST_LEG

END = "pichay_leg_ended"
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
OPTIONS = Options()
Proxyserver().load(OPTIONS)


class Wires:
    """One client and its servers, all of HTTP/1.1.

    *hooks* has methods named like mitmproxy's hooks. Those named in *held* wait for ``go_on``.
    """

    def __init__(self, hooks, held=()):
        self.client = Client(
            peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2), timestamp_start=0.0,
            state=ConnectionState.OPEN, proxy_mode=ProxyMode.parse("regular"),
        )  # fmt: skip
        self.layer = HttpLayer(Context(self.client, OPTIONS), HTTPMode.regular)
        self.called, self.alarms, self.servers, self.held = [], [], [], list(held)
        self.refusing = None
        """What opening a connection fails with."""
        self.connecting = lambda: None
        """What happens while one is opened."""
        self._hooks, self._waiting = hooks, deque()
        self._sent = {self.client: b""}
        self._do(events.Start())

    # -- what happens -------------------------------------------------------------------

    def request(self, version=b"HTTP/1.1", body=b"first", more=b""):
        """*more* are headers, each with its line end."""
        head = b"POST http://model.test/v1/messages %b\r\nhost: model.test\r\n" % version
        length = b"content-length: %d\r\n\r\n" % len(body)
        self._from(self.client, head + more + length + body)

    def reply(self, *pieces, head=HEAD):
        """A whole reply of the newest server, in chunks."""
        self.says(head)
        self.chunks(*pieces, b"")

    def chunks(self, *pieces):
        for piece in pieces:
            self.says(chunk(piece))

    def says(self, data):
        self._from(self.servers[-1], data)

    def server_leaves(self):
        self._leaves(self.servers[-1])

    def client_leaves(self):
        self._leaves(self.client)

    def go_on(self):
        """Answer what waits longest."""
        self._answer(self._waiting.popleft())

    def wake(self):
        self._do(events.Wakeup(self.alarms.pop(0)))

    # -- what is seen -------------------------------------------------------------------

    def to_client(self):
        """What the client was sent since this was last asked."""
        return self._take(self.client)

    def body(self):
        """The body of the one chunked response that the client was sent, and if it has ended."""
        pieces = unchunked(self.to_client().partition(b"\r\n\r\n")[2])
        assert b"" not in pieces[:-1], "the body was ended before its end"
        return b"".join(pieces), pieces[-1:] == [b""]

    def to_server(self):
        return self._take(self.servers[-1])

    def legs(self):
        """Stream numbers of ours that mitmproxy knows."""
        return [number for number in self.layer.streams if number >= FIRST_LEG]

    @property
    def waits(self):
        return bool(self._waiting)

    def open(self):
        """Connections upstream that are open."""
        return [server for server in self.servers if server.state is ConnectionState.OPEN]

    # -- how ----------------------------------------------------------------------------

    def _from(self, connection, data):
        if connection.state & ConnectionState.CAN_READ:
            self._do(events.DataReceived(connection, data))

    def _leaves(self, connection):
        if connection.state & ConnectionState.CAN_READ:
            connection.state &= ~ConnectionState.CAN_READ
            self._do(events.ConnectionClosed(connection))

    def _take(self, connection):
        sent, self._sent[connection] = self._sent[connection], b""
        return sent

    def _do(self, event):
        """As mitmproxy: what a command asks for happens when the layer has paused."""
        asked = [command for command in self.layer.handle_event(event) if self._asks(command)]
        for command in asked:
            if isinstance(command, commands.StartHook) and command.name in self.held:
                self._waiting.append(command)
            else:
                self._answer(command)

    def _asks(self, command):
        match command:
            case commands.OpenConnection() | commands.StartHook():
                return True
            case commands.SendData(connection=connection, data=data):
                self._sent[connection] += data
            case commands.CloseConnection(connection=connection):
                connection.state = ConnectionState.CLOSED
            case commands.RequestWakeup():
                self.alarms.append(command)
            case _:
                pass
        return False

    def _answer(self, command):
        if isinstance(command, commands.OpenConnection):
            self._open(command)
            return
        self.called.append(command.name)
        if command.name == END:
            asyncio.run(leg_ended(command.end))
        else:
            hook = getattr(self._hooks, command.name, lambda _: None)
            if inspect.iscoroutine(done := hook(*command.args())):
                asyncio.run(done)
        self._do(events.HookCompleted(command))

    def _open(self, command):
        server = command.connection
        self.connecting()
        if self.refusing is None:
            server.state = ConnectionState.OPEN
            self.servers.append(server)
            self._sent[server] = b""
        self._do(events.OpenConnectionCompleted(command, self.refusing))


def chunk(piece):
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def unchunked(rest):
    pieces = []
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        pieces.append(rest[:length])
        rest = rest[length + 2 :]
    return pieces
