from types import SimpleNamespace

from mitmproxy.connection import Server
from mitmproxy.proxy.server import ConnectionIO

from pichay_proxy.connections import hang_up


def test_a_connection_that_was_forgotten_is_closed_once():
    closed, server = [], Server(address=("127.0.0.1", 1))
    writer = SimpleNamespace(close=lambda: closed.append(server))
    handler = SimpleNamespace(transports={server: ConnectionIO(writer=writer)})
    hang_up(handler, server)
    hang_up(handler, server)
    assert closed == [server]
    assert handler.transports == {}


def test_a_connection_that_never_was_is_no_trouble():
    server = Server(address=("127.0.0.1", 1))
    handler = SimpleNamespace(transports={server: ConnectionIO()})
    hang_up(handler, server)
    assert handler.transports == {}
