"""The real addon on mitmproxy's real HTTP layer, without sockets: client, model and recording."""

import json
import sqlite3
from contextlib import contextmanager
from itertools import count

from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.test import taddons

from pichay_proxy import streams_check
from pichay_proxy.addon import Pichay
from tests.builders import Talk, body, is_stub, results_in
from tests.pichay_proxy.wires import HEAD, Wires, chunk, unchunked
from tests.replies import call, frames, message_of, text, whole

KEY = b"x-api-key: sk-ant-api03-test\r\n"
JSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
OPTIONS = (
    "pichay_hosts=model.test", "pichay_schedule=batch", "pichay_flush_tokens=1", "pichay_tau=1",
    "pichay_min_bytes=500", "pichay_cleanup_tags=true",
)  # fmt: skip


def streamed(*blocks, **said):
    """A reply on the wire, in chunks."""
    return HEAD + b"".join(map(chunk, frames(blocks, **said))) + chunk(b"")


def in_one_piece(*blocks, **said):
    reply = whole(blocks, **said)
    return JSON_HEAD % (len(reply), reply)


class Stand:
    """A client that talks through the addon to a scripted model.

    A play is a function of the body that arrived; it returns bytes, or None to say nothing yet.
    """

    def __init__(self, context, addon, database):
        self.context, self.addon, self.database = context, addon, database
        self.seen, self.plays, self.wires = [], [], None
        self.excused = set()
        """Sessions in which nothing can be settled."""
        self.connect()

    def connect(self, **more):
        self.wires = Wires(self.addon, **more)
        return self.wires

    def connect_beside(self):
        """Another connection; returns the one that was used until now."""
        before = self.wires
        self.connect()
        return before

    def send(self, request, *plays, headers=KEY, **fields):
        """Send a request; the model answers by these plays. Returns what the client got."""
        sent = body(request, **fields) if isinstance(request, Talk) else request
        self.plays = list(plays)
        self.wires.request(body=sent, more=headers)
        self.answer()
        return self.got()

    def answer(self):
        """Let the model answer for as long as it is asked and has something to say."""
        while self.wires.servers and (came := self.wires.to_server()):
            self.seen.append(Seen(came))
            play = self.plays.pop(0) if self.plays else say(text("Done."))
            if (said := play(self.seen[-1].json)) is None:
                return
            self.wires.says(said)

    def got(self):
        return Got(self.wires.to_client())

    def rows(self, sql):
        self.addon._recorder.settle()
        with sqlite3.connect(self.database) as db:
            return db.execute(sql).fetchall()

    def die(self):
        """End like a process that is killed: what is recorded stays, nothing else is done."""
        assert self.addon._recorder.settle()
        self.addon._exchanges.clear()
        self.addon._paging = None
        self.excuse()

    def excuse(self):
        """What was not settled until now will not be."""
        self.excused = {session for (session,) in self.rows("select id from sessions")}

    @property
    def last(self):
        return self.seen[-1]

    @property
    def sessions(self):
        return list(self.addon._paging._sessions)

    @property
    def session(self):
        return max(self.sessions, key=lambda session: session.last_at)

    def left(self):
        """What should be nothing once all replies have ended."""
        return [*self.addon._exchanges, *self.wires.layer.streams, *self.wires.legs()]

    def unsettled(self):
        """Turns of sessions that are not excused of it."""
        found = self.rows("select session, request, leg from turns where status is null")
        return [turn for turn in found if turn[0] not in self.excused]


class Seen:
    """A request as the model's provider gets it."""

    def __init__(self, came):
        self.head, _, self.body = came.partition(b"\r\n\r\n")
        self.json = json.loads(self.body)


class Got:
    """A response as the client gets it."""

    def __init__(self, came):
        self.came = came
        self.head, _, rest = came.partition(b"\r\n\r\n")
        self.pieces = unchunked(rest) if b"chunked" in self.head else [rest, b""]
        self.body = b"".join(self.pieces)
        self.ended = self.pieces[-1:] == [b""]

    @property
    def message(self):
        if b"application/json" in self.head:
            return json.loads(self.body)
        return message_of(self.body)

    @property
    def texts(self):
        return [block["text"] for block in self.message["content"] if block["type"] == "text"]

    @property
    def kept(self):
        """The message as a client keeps it."""
        return {"role": "assistant", "content": self.message["content"]}


@contextmanager
def standing(folder, *options):
    """The addon, and a client; afterwards the recording is complete."""
    with taddons.context(Proxyserver()) as context:
        addon = Pichay()
        database = folder / "pichay.db"
        given = (*OPTIONS, f"pichay_database={database}", *options)
        named = [f"{name}={value}" for name, value in dict(o.split("=") for o in given).items()]
        context.options.set(*named, defer=True)
        context.master.addons.add(addon)
        addon.configure(context.options.keys())

        async def run():
            addon.running()

        context.master.event_loop.run_until_complete(run())
        stand = Stand(context, addon, database)
        try:
            yield stand
            assert stand.unsettled() == []
        finally:
            addon._tidy.stop()
            addon.done()
            streams_check.uninstall()


def say(*blocks, **said):
    return lambda _: streamed(*blocks, **said)


_numbers = count(1)


def new_talk():
    """A conversation that no other begins like."""
    return Talk(f"Fix bug {next(_numbers)}.")


def begun(stand, files=3, **fields):
    """A conversation in which results have left, and whose last message waits for a reply."""
    talk = new_talk()
    stand.send(talk, stream=True, **fields)
    for number in range(files):
        stand.send(talk.read(f"{number}.py"), stream=True, **fields)
    assert any(is_stub(one["content"]) for one in results_in(stand.last.body))
    stand.seen.clear()
    return talk.ask("What does 0.py say?")


def fault(*pages, id="toolu_m1"):
    """The model asks for pages back."""
    return call("memory_fault", id, pages=list(pages or ["0.py"]))
