"""The mitmproxy addon: hooks, no logic, and the one fail-open boundary.

Rule of this file: every hook runs inside :class:`pichay_proxy.boundary.FailOpen`, works on
values, and changes the flow in its last statement.
"""

import logging
import os
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import replace
from weakref import WeakKeyDictionary

from mitmproxy import ctx, exceptions, http
from mitmproxy.addonmanager import Loader

from pichay_core.prices import BadPrices
from pichay_core.store.library import Library
from pichay_core.store.place import own_prices
from pichay_core.store.recorder import Recorder
from pichay_core.store.schema import Unusable
from pichay_core.tariff import load_price_list
from pichay_core.wire.report import Reader
from pichay_proxy.boundary import FailOpen, contained
from pichay_proxy.closing import Closing, reader_of
from pichay_proxy.continued import LegEnd, hand_over, leg_ended
from pichay_proxy.continuing import continuing
from pichay_proxy.exchange import Arrived, Decision, Exchange
from pichay_proxy.interception import Interception
from pichay_proxy.looking_on import LookingOn, looking_on
from pichay_proxy.memory import Tidy
from pichay_proxy.options import Settings, add_options, lengthen_timeout, settings_of, unusable
from pichay_proxy.paging import Paging
from pichay_proxy.resend import put
from pichay_proxy.sessions import LiveSessions
from pichay_proxy.streams_check import install, selfcheck
from pichay_proxy.traffic import (
    arrived,
    paths_for,
    route_for,
    upgrade_required,
    wants_socket,
)

log = logging.getLogger("pichay")


class Pichay(Interception):
    """Demand paging for the context window of coding agents."""

    def __init__(self) -> None:
        super().__init__()
        self._settings: Settings | None = None
        self._refused = False
        self._paging: Paging | None = None
        self._recorder: Recorder | None = None
        self._looking: LookingOn | None = None
        self._stop_reading: Callable[[], None] = lambda: None
        self._tidy = Tidy()
        self._exchanges: WeakKeyDictionary[http.HTTPFlow, Exchange] = WeakKeyDictionary()
        self._closing: Closing | None = None
        self._logged: set[str] = set()

    # -- life ---------------------------------------------------------------------------

    def load(self, loader: Loader) -> None:
        """Make our options known; refuse to start with one that is wrong."""
        add_options(loader)
        if why := unusable(loader.master.options):
            self._refuse(why)

    def configure(self, updated: set[str]) -> None:
        """Check our options, and those of mitmproxy that we cannot live with."""
        watched = {"stream_large_bodies", "body_size_limit"}
        if any(name.startswith("pichay_") for name in updated) or updated & watched:
            self._configure()

    def _configure(self) -> None:
        """Take the options over. A wrong one ends a start; later, mitmproxy takes it back."""
        try:
            self._settings = settings_of(ctx.options)
        except exceptions.OptionsError as error:
            if self._paging is not None:
                raise
            self._refuse(error)
        if self._paging is not None and self._settings is not None:
            self._paging.settings = self._possible(self._settings)

    def _refuse(self, why: object) -> None:
        """Do not start. An error in the log ends mitmdump; raised, it would bring a traceback."""
        self._refused = True
        log.error("pichay: %s", why)

    def running(self) -> None:
        """Open the database; refuse to start without one, or with a price file that is wrong."""
        if self._refused or self._recorder is not None or self._settings is None:
            return
        try:
            self._open(self._settings)
        except (Unusable, BadPrices, exceptions.OptionsError) as error:
            self._refuse(error)
            return
        lengthen_timeout()
        self._tidy.start()

    def _open(self, settings: Settings) -> None:
        prices = own_prices()
        load_price_list()  # 0.2 s that else the first request would wait
        looking = looking_on(settings, os.environ, self._warn_once)
        try:
            recorder = Recorder(
                settings.database, self._warn_once, contained, prices, looking.observers
            )
        except Unusable:
            looking.close()
            raise
        looking.follow(recorder)
        kept = Library(settings.database)
        sessions = LiveSessions(kept.sessions)
        settings = self._possible(settings)
        self._paging = Paging(
            settings, sessions, recorder.put, kept.content, prices, kept.earlier, self._warn_once
        )
        self._closing = Closing(self._paging, self._warn_once)
        self._recorder, self._stop_reading, self._looking = recorder, kept.close, looking

    def _possible(self, settings: Settings) -> Settings:
        """Return the settings without what this mitmproxy cannot do, after a word about it."""
        if (why := selfcheck()) is None:
            install()
            return settings
        self._warn_once(f"memory tools and cleanup tags are off: {why}; paging goes on")
        return replace(settings, memory_tools=False, cleanup_tags=False)

    def done(self) -> None:
        """Write out what is left."""
        recorder, self._recorder, self._paging = self._recorder, None, None
        self._stop_reading()  # else SQLite leaves the recording in its write-ahead log
        if recorder is not None:
            self._tidy.stop()
            if not recorder.close():
                log.warning("pichay: the database did not take everything in time")
        looking, self._looking = self._looking, None
        if looking is not None:
            with self._boundary():
                looking.close()

    # -- requests -----------------------------------------------------------------------

    def request(self, flow: http.HTTPFlow) -> None:
        """Page the window of a request. In doubt nothing new is done; else its own bytes go on."""
        with self._boundary(self._failed):
            self._request(flow, Paging.request)
            return
        with self._boundary():
            self._request(flow, Paging.kept)

    def _request(self, flow: http.HTTPFlow, decide: Callable[[Paging, Arrived], Decision]) -> None:
        started = time.perf_counter_ns()
        route = None if self._made_by_us(flow) else route_for(flow, self._own_hosts)
        body = flow.request.raw_content
        self._tidy.saw(len(body or b""))
        if route is None or self._paging is None or body is None:
            return
        came = arrived(flow, route, body, time.time(), started)
        if wants_socket(flow.request):
            flow.response = upgrade_required() if self._paging.refuses_socket(came) else None
            return
        decision = decide(self._paging, came)
        if decision.exchange is not None:
            self._exchanges[flow] = decision.exchange
        if decision.body is not None:
            put(flow.request, decision.body, decision.betas)
        if decision.exchange is not None and decision.exchange.cooperates:
            flow.request.headers["accept-encoding"] = "identity"  # its reply is read as it passes

    def websocket_start(self, flow: http.HTTPFlow) -> None:
        """A WebSocket is open: it passes unread, and that is said once."""
        with self._boundary():
            route = route_for(flow, self._own_hosts)
            if route is not None and self._paging is not None:
                self._paging.socket(arrived(flow, route, b"", time.time(), 0))

    def _made_by_us(self, flow: http.HTTPFlow) -> bool:
        return self._closing is not None and self._closing.is_ours(flow)

    def _is_ours(self, flow: http.HTTPFlow) -> bool:
        return self._settings is not None and paths_for(flow, self._own_hosts) is not None

    # -- replies ------------------------------------------------------------------------

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """Let the reply flow as it comes; look at it in passing."""
        with self._boundary():
            if self._made_by_us(flow) or flow.response is None:
                return
            exchange = self._exchanges.get(flow)
            if exchange is None:
                flow.response.stream = flow.response.stream or self._is_ours(flow)
            elif not (exchange.edited and flow.response.status_code == 400):
                flow.response.stream = True  # whatever comes now: held back, it would be late
                self._stream(flow, flow.response, exchange)

    def _stream(self, flow: http.HTTPFlow, reply: http.Response, exchange: Exchange) -> None:
        continued = None
        if self._paging is not None and self._closing is not None:
            continued = continuing(flow, reply, exchange, self._paging, self._closing)
        if continued is not None and continued.began(reply):
            hand_over(flow, continued)
            return
        exchange.reader = reader_of(exchange, reply)
        reply.stream = self._tee(exchange.reader) if exchange.reader else True

    def _tee(self, reader: Reader) -> Callable[[bytes], bytes | Iterable[bytes]]:
        """Return a stream function that passes everything on and lets *reader* look.

        An empty piece must not be returned as such: on HTTP/1.1 it would end the body.
        """

        def passed_on(data: bytes) -> bytes | Iterable[bytes]:
            with self._boundary():
                reader.feed(data)
            return data or []

        return passed_on

    async def response(self, flow: http.HTTPFlow) -> None:
        """Settle what the turn cost; try once more if our edit was refused."""
        with self._boundary():
            exchange = self._exchanges.pop(flow, None)
            if exchange is not None and self._closing is not None:
                await self._closing.close(flow, exchange)

    async def pichay_leg_ended(self, end: LegEnd) -> None:
        """A reply that may go on is over: answer what it asked of us."""
        await leg_ended(end)

    def error(self, flow: http.HTTPFlow) -> None:
        """The client or the provider went away: settle with what was said until then."""
        with self._boundary():
            exchange = self._exchanges.pop(flow, None)
            if exchange is not None and self._closing is not None:
                self._closing.settle(exchange, flow.response)

    # -- failing open -------------------------------------------------------------------

    def _boundary(self, report: Callable[[BaseException], None] | None = None) -> FailOpen:
        return FailOpen(report or self._log_failure)

    def _failed(self, error: BaseException) -> None:
        self._log_failure(error)
        if self._paging is not None:
            self._paging.failed(error, time.time())

    def _log_failure(self, error: BaseException) -> None:
        """Log it once for each place it comes from: its text may be another every time."""
        place = f"{type(error).__name__} in {traceback.extract_tb(error.__traceback__, limit=-1)}"
        if place not in self._logged:
            self._logged.add(place)
            log.warning("pichay: passed on as it came, after %r", error, exc_info=error)

    def _warn_once(self, text: str) -> None:
        if text not in self._logged:
            self._logged.add(text)
            log.warning("pichay: %s", text)
