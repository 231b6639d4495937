"""Whether mitmproxy is built as :mod:`pichay_proxy.streams` needs it, and putting that in place.

Rule of this file: everything of mitmproxy's inner parts that is used stands here by name, with
its parameters and, where it matters how something is done, with a line of its source.
"""

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping

LAYERS = "mitmproxy.proxy.layers.http"
EVENTS = f"{LAYERS}._events"

PARAMETERS: Mapping[str, str] = {
    f"{LAYERS}:HttpStream": "context stream_id",
    f"{LAYERS}:HttpStream._handle_event": "self event",
    f"{LAYERS}:HttpStream.state_stream_response_body": "self event",
    f"{LAYERS}:HttpStream.start_response_stream": "self",
    f"{LAYERS}:HttpStream.state_wait_for_response_headers": "self event",
    f"{LAYERS}:HttpStream.state_errored": "self _",
    f"{LAYERS}:HttpStream.handle_protocol_error": "self event",
    f"{LAYERS}:HttpStream.check_killed": "self emit_error_hook",
    f"{LAYERS}:HttpStream.send_response": "self already_streamed",
    f"{LAYERS}:HttpStream.make_server_connection": "self",
    f"{LAYERS}:HttpLayer.make_stream": "self stream_id",
    f"{LAYERS}:HttpLayer.event_to_child": "self child event",
    f"{LAYERS}._http2:Http2Connection.is_open_for_us": "self stream_id",
    f"{LAYERS}:SendHttp": "event connection",
    f"{EVENTS}:RequestHeaders": "stream_id request end_stream replay_flow",
    f"{EVENTS}:RequestData": "stream_id data",
    f"{EVENTS}:RequestEndOfMessage": "stream_id",
    f"{EVENTS}:RequestProtocolError": "stream_id message code",
    f"{EVENTS}:ResponseHeaders": "stream_id response end_stream",
    f"{EVENTS}:ResponseData": "stream_id data",
    f"{EVENTS}:ResponseEndOfMessage": "stream_id",
    f"{EVENTS}:ResponseProtocolError": "stream_id message code",
    "mitmproxy.proxy.commands:RequestWakeup": "delay",
    "mitmproxy.proxy.events:Wakeup": "command",
    "mitmproxy.proxy.context:Context.fork": "self",
}
"""What is called or overridden, and what it takes."""

PRESENT: tuple[str, ...] = (
    f"{LAYERS}._base:HttpEvent",
    f"{EVENTS}:ErrorCode.CANCEL",
    "mitmproxy.proxy.layer:CommandGenerator",
    "mitmproxy.proxy.commands:StartHook.blocking",
)

SOURCE: Mapping[str, tuple[str, ...]] = {
    f"{LAYERS}:HttpLayer.__init__": ("self.streams = {}", "self.connections = {}"),
    f"{LAYERS}:HttpLayer._handle_event": ("self.connections.setdefault(self.context.client,",),
    f"{LAYERS}:HttpLayer.make_stream": ("self.streams[stream_id] = HttpStream(",),
    f"{LAYERS}:HttpLayer.event_to_child": (
        "stream = self.streams[command.event.stream_id]",
        "isinstance(command, commands.RequestWakeup)",
        "self.command_sources[command] = child",
    ),
    f"{LAYERS}:HttpStream.mode.func": ("self.context.layers[i - 1]",),
    f"{LAYERS}:HttpStream.start_response_stream": ("self.state_stream_response_body",),
    f"{LAYERS}:HttpStream.state_stream_response_body": (
        "self.flow.response.stream(event.data)",
        "ResponseData(self.stream_id, chunk)",
        "self.send_response(already_streamed=True)",
        "self.response_body_buf += chunk",
    ),
    f"{LAYERS}:HttpStream.send_response": ("HttpResponseHook", "self.flow_done()"),
    f"{LAYERS}:HttpStream.flow_done": ("DropStream(self.stream_id)",),
    f"{LAYERS}:HttpStream.make_server_connection": (
        "self.flow.request.host, self.flow.request.port",
        "self.handle_protocol_error(",
        "self.context.server = self.flow.server_conn = connection",
    ),
    f"{LAYERS}:HttpStream.handle_protocol_error": (
        "yield SendHttp(event, self.context.server)",
        "yield SendHttp(event, self.context.client)",
        "DropStream(self.stream_id)",
    ),
    f"{LAYERS}:HttpStream.check_killed": ("self._paused_event_queue",),
}
"""How it is done, where :mod:`pichay_proxy.streams` rests on that."""


def selfcheck() -> str | None:
    """Return why replies cannot be continued with this mitmproxy, None if they can."""
    try:
        return next(_differences(), None)
    except (ImportError, AttributeError, TypeError, ValueError, OSError) as error:
        return f"{type(error).__name__}: {error}"


def install() -> None:
    """From now on every new stream of mitmproxy's can be continued. Once or often is the same."""
    from pichay_proxy.streams import ContinuedStream  # may not be imported before it is checked

    _put(ContinuedStream)


def installed() -> bool:
    """Return True if new streams can be continued."""
    stream = vars(importlib.import_module(LAYERS))["HttpStream"]
    return stream.__module__ == "pichay_proxy.streams"


def uninstall() -> None:
    """New streams are mitmproxy's own again. Those in flight go on."""
    _put(_found(f"{LAYERS}:HttpStream"))


def _put(stream: object) -> None:
    """Let ``HttpLayer.make_stream`` build these: it looks the name up for each stream."""
    vars(importlib.import_module(LAYERS))["HttpStream"] = stream


def _differences() -> Iterator[str]:
    for name in PRESENT:
        _found(name)
    for name, expected in PARAMETERS.items():
        taken = " ".join(inspect.signature(_called(name)).parameters)
        if taken != expected:
            yield f"{name} takes {taken!r}, not {expected!r}"
    for name, lines in SOURCE.items():
        text = " ".join(inspect.getsource(_called(name)).split())
        yield from (f"{name} is without {line!r}" for line in lines if line not in text)


def _called(name: str) -> Callable[..., object]:
    found = _found(name)
    if not callable(found):
        raise TypeError(f"{name} cannot be called")
    return found


def _found(name: str) -> object:
    """Return what has this name, or AttributeError. For our stream it is what that is made of."""
    module, _, path = name.partition(":")
    found: object = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
        if isinstance(found, type) and found.__module__ == "pichay_proxy.streams":
            found = found.__base__
    return found
