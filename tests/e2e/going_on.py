"""A script for mitmdump: replies go on as long as they say so. For the tests of the streams.

A request says how: ``x-idle`` and ``x-think`` are seconds, ``x-raise`` is what its decision does.
``/left`` is answered with what is left in mitmproxy of streams that went on.
"""

import asyncio
import gc
import json

from mitmproxy import ctx, http
from mitmproxy.proxy.layers.http import HttpLayer

from pichay_proxy import continued, streams, streams_check
from pichay_proxy.connections import hang_up, many_connections

MORE, PING = b"data: more\n\n", b": ping\n\n"
streams.PING_SECONDS = 0.2


class UntilNoMore:
    """Goes on after a leg in which *MORE* stood, which the client is not shown."""

    def __init__(self, flow, counts):
        self._headers, self._request = flow.request.headers, flow.request.copy()
        self._counts, self._got, self._legs = counts, b"", 0
        self._whole = "json" in flow.response.headers["content-type"]
        self.idle_seconds = float(self._headers.get("x-idle", 60))

    def feed(self, data):
        self._got += data
        return [] if self._whole else [data.replace(MORE, b"")]

    async def ended(self):
        if "x-raise" in self._headers:
            raise asyncio.CancelledError
        await asyncio.sleep(float(self._headers.get("x-think", 0)))
        if MORE not in self._got:
            return None
        self._got, self._legs = b"", self._legs + 1
        request = self._request.copy()
        request.content = b"leg %d" % self._legs
        return request

    def began(self, reply):
        return True

    def waiting(self):
        return b"" if self._whole else PING

    def finish(self):
        self._count("finished")
        return [self._got] if self._whole else []

    def refused(self, reply):
        self._count("refused")
        return [b"data: refused %d %b\n\n" % (reply.status_code, reply.content)]

    def failed(self, why):
        self._count("failed")
        return [b"data: failed\n\n"]

    def gone(self, why):
        self._count("gone")

    def _count(self, end):
        self._counts[end] = self._counts.get(end, 0) + 1


class GoingOn:
    """Every reply to a POST is handed over."""

    def __init__(self):
        self._counts = {}

    def running(self):
        assert streams_check.selfcheck() is None
        streams_check.install()

    def client_connected(self, client):
        handler = ctx.master.addons.get("proxyserver").connections[client.id]
        handler.max_conns.default_factory = many_connections

    def request(self, flow):
        if flow.request.path == "/left":
            flow.response = http.Response.make(200, json.dumps(self._left()))

    def responseheaders(self, flow):
        flow.response.stream = True
        if flow.request.method == "POST" and flow.response.status_code == 200:
            continued.hand_over(flow, UntilNoMore(flow, self._counts))

    async def pichay_leg_ended(self, end):
        await continued.leg_ended(end)

    def server_disconnected(self, data):
        handler = ctx.master.addons.get("proxyserver").connections.get(data.client.id)
        if handler is not None:
            hang_up(handler, data.server)

    def error(self, flow):
        self._counts["errors"] = self._counts.get("errors", 0) + 1

    def _left(self):
        gc.collect()
        layers = [thing for thing in gc.get_objects() if isinstance(thing, HttpLayer)]
        ours = [number for layer in layers for number in layer.streams]
        legs = sum(number >= streams.FIRST_LEG for number in ours)
        return self._counts | {"legs": legs, "handed over": len(continued._handed_over)}


addons = [GoingOn()]
