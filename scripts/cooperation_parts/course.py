"""One run of the plan: client, Pichay between or not, provider and model.

Rule of this file: Pichay runs as in the proxy (``Paging``, a recorder, a database), and only the
wire is left out.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cooperation_parts.client import COMPACTS_AT, WINDOW, Client
from cooperation_parts.legs import through
from cooperation_parts.model import Model
from cooperation_parts.project import Task
from cooperation_parts.upstream import Upstream
from pichay_core.model import Usage
from pichay_core.pager import Limits
from pichay_core.policies import POLICIES, USUAL_POLICY
from pichay_core.schedule import SCHEDULES, USUAL_SCHEDULE
from pichay_core.store.library import Library
from pichay_core.store.recorder import Recorder
from pichay_core.turn import Rules
from pichay_proxy.exchange import Arrived
from pichay_proxy.options import Settings
from pichay_proxy.paging import Paging
from pichay_proxy.routes import route_of
from pichay_proxy.sessions import LiveSessions

STEP_SECONDS, USER_SECONDS = 15.0, 90.0
_LARGEST = 64 * 1024 * 1024
_BEGAN = 1_790_000_000.0
_HOST = "api.anthropic.com"

type Json = dict[str, Any]


@dataclass(slots=True)
class Proxy:
    """Pichay between client and provider, with its recording in a folder."""

    folder: Path
    cooperates: bool
    paging: Paging = field(init=False)
    recorder: Recorder = field(init=False)

    def __post_init__(self) -> None:
        """Open the recording."""
        self.recorder = Recorder(self.folder / "pichay.db")
        library = Library(self.folder / "pichay.db")
        rules = Rules(POLICIES[USUAL_POLICY], SCHEDULES[USUAL_SCHEDULE], Limits())
        settings = Settings(
            Path("unused"), frozenset({_HOST}), rules, False, _LARGEST, memory_tools=self.cooperates
        )
        live = LiveSessions(library.sessions)
        self.paging = Paging(settings, live, self.recorder.put, library.content)

    def close(self) -> None:
        """Write out what is left."""
        self.recorder.close()


@dataclass(frozen=True, slots=True)
class Came:
    """What a run came to."""

    usages: Sequence[Usage]
    """Of each request upstream."""
    dollars: float
    own: int
    """Requests of the client's."""
    compactions: int
    read_again: int
    recalls: int

    @property
    def windows(self) -> list[int]:
        """Tokens of the input side of each request."""
        return [usage.window for usage in self.usages]


class Run:
    """One run of the plan."""

    def __init__(self, tasks: Sequence[Task], proxy: Proxy | None) -> None:
        self._tasks, self._proxy = tasks, proxy
        self._client, self._model, self._upstream = Client("one"), Model(tasks), Upstream()
        self._at, self._own, self._window = _BEGAN, 0, 0

    @property
    def client(self) -> Client:
        """The client, with the conversation as it knows it."""
        return self._client

    def play(self) -> Came:
        """Play all of it."""
        while not self._model.done:
            self._client.ask(self._tasks[self._model.task].prompt)
            self._at += USER_SECONDS
            self._work()
        model, upstream = self._model, self._upstream
        return Came(upstream.usages, upstream.dollars, self._own, self._client.compactions,
                    model.read_again, model.recalls)  # fmt: skip

    def _work(self) -> None:
        """Ask until the model has nothing left to call for."""
        while self._client.messages[-1]["role"] == "user":
            if self._window > COMPACTS_AT * WINDOW:
                self._compact()
            self._client.take(self._asked())

    def _compact(self) -> None:
        self._client.asks_for_summary()
        (summary,) = self._asked()
        self._client.goes_on_from(summary["text"])
        self._window = 0

    def _asked(self) -> list[Json]:
        """Send the client's request; return the reply that the client is shown."""
        self._at += STEP_SECONDS
        self._own += 1
        body = self._client.body()
        if self._proxy is None:
            return self._sent(body)[0]
        route = route_of("POST", "/v1/messages")
        assert route is not None
        arrived = Arrived(
            route, _HOST, _headers(self._client.name), body, self._at, time.perf_counter_ns()
        )
        return through(self._proxy.paging, arrived, self._sent)

    def _sent(self, body: bytes) -> tuple[list[Json], Usage]:
        request = json.loads(body)
        reply = self._model.reply(request)
        usage = self._upstream.bill(request, reply, self._at)
        self._window = usage.window
        return reply, usage


def _headers(name: str) -> dict[str, str]:
    return {"x-api-key": "sk-ant-none", "x-claude-code-session-id": name}
