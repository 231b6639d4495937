"""The options that ``run`` and ``proxy`` share, in one place.

Rule of this file: an option that is not given is not passed on, so the addon's own default
holds. One more addon option is one field and one line in ``_OPTIONS``.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from pichay_core.birth.oversize import LEAST
from pichay_core.birth.profile import CHOICES
from pichay_core.modes import AUTO, FORMER, MODES, no_mode
from pichay_core.policies import POLICIES
from pichay_core.schedule import SCHEDULES
from pichay_core.store.place import database_path

CONFDIR = "~/.mitmproxy"
"""mitmproxy's own default for its folder of certificates and configuration."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for. None, False and () mean: not given."""

    mode: str | None = None
    tools: str | None = None
    policy: str | None = None
    schedule: str | None = None
    flush_tokens: int | None = None
    keep_tokens: int | None = None
    tau: int | None = None
    min_bytes: int | None = None
    pin_half_life: int | None = None
    diffs: bool = False
    oversize_bytes: int | None = None
    max_body_mb: int | None = None
    hosts: tuple[str, ...] = ()
    allow_subscription: bool = False
    keep_thinking: bool = False
    memory_tools: bool | None = None
    cleanup_tags: bool = False
    http_fallback: bool = False
    metrics_port: int | None = None
    otel: bool = False
    database: Path | None = None
    reverse: bool = False
    port: int | None = None
    """TCP port to listen on, on loopback; None or 0 means any free one."""
    confdir: Path = Path(CONFDIR)
    settings: tuple[str, ...] = ()
    """Options of mitmproxy itself, as ``name=value``."""

    def folder(self) -> Path:
        """mitmproxy's folder, absolute."""
        return self.confdir.expanduser().absolute()

    def recording(self) -> Path:
        """The file of the recorder, absolute: the one that was named, or Pichay's own."""
        return self.database.expanduser().absolute() if self.database else database_path()

    def addon_settings(self) -> tuple[str, ...]:
        """What was given for the addon, as mitmproxy's ``name=value``."""
        named = {name: getattr(self, name) for name in _SINGLE}
        given = [f"pichay_{name}={value}" for name, value in named.items() if value is not None]
        given += [f"pichay_hosts={host}" for host in self.hosts]
        if self.diffs:
            given.append("pichay_diffs=true")
        if self.allow_subscription:
            given.append("pichay_allow_subscription=true")
        if self.keep_thinking:
            given.append("pichay_keep_thinking=true")
        if self.memory_tools is not None:
            given.append(f"pichay_memory_tools={str(self.memory_tools).lower()}")
        if self.cleanup_tags:
            given.append("pichay_cleanup_tags=true")
        if self.http_fallback:
            given.append("pichay_http_fallback=true")
        if self.otel:
            given.append("pichay_otel=true")
        if self.database is not None:
            given.append(f"pichay_database={self.recording()}")
        return tuple(given)


_SINGLE = (
    *("mode", "tools", "policy", "schedule", "flush_tokens", "keep_tokens"),
    *("tau", "min_bytes", "pin_half_life", "oversize_bytes", "max_body_mb"),
    "metrics_port",
)


def _setting(_ctx: object, _param: object, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if "=" not in value:
            raise click.BadParameter(f"{value!r} is not NAME=VALUE.")
    return values


class _Mode(click.Choice[str]):
    """One of the modes. A former name is answered with the one that it has now."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the mode; fails with what to choose instead."""
        if value in FORMER:
            self.fail(f"{no_mode(value)}.", param, ctx)
        return super().convert(value, param, ctx)


def _oversize(_ctx: object, _param: object, size: int | None) -> int | None:
    if size and size < LEAST:
        raise click.BadParameter(f"{size} is not {LEAST} or more, nor 0 for never.")
    return size


_POSITIVE = click.IntRange(min=1)
_COUNT = click.IntRange(min=0)
_PATH = click.Path(path_type=Path)
_OPTIONS: tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...] = (
    click.option(
        "--mode",
        type=_Mode([AUTO, *MODES]),
        help="Which mechanisms run; auto (the default) chooses by credential and model: full, but "
        "observe under a subscription login.",
    ),
    click.option(
        "--tools",
        type=click.Choice(CHOICES),
        help="Definitions of tools that earlier sessions of a project did not use go out in short, "
        "are left to the provider's tool search (defer), or go out whole; auto (the default) "
        "defers where the client has that search, else shortens.",
    ),
    click.option("--policy", type=click.Choice(list(POLICIES)), help="Which page goes first."),
    click.option("--schedule", type=click.Choice(list(SCHEDULES)), help="When to flush."),
    click.option(
        "--flush-tokens", type=_POSITIVE, help="batch: flush when this many tokens are pending."
    ),
    click.option(
        "--keep-tokens", type=_COUNT, help="lru, size: keep pages of so many tokens in the window."
    ),
    click.option("--tau", type=_POSITIVE, help="Turns after which a page may be evicted."),
    click.option("--min-bytes", type=_COUNT, help="A page of this size or less stays."),
    click.option(
        "--pin-half-life", type=_COUNT, help="Turns after which a pin weighs half as much."
    ),
    click.option(
        "--diffs",
        is_flag=True,
        help="A file that is read again after a change goes out as a diff (modes birth, server, "
        "full).",
    ),
    click.option(
        "--oversize-bytes",
        type=_COUNT,
        callback=_oversize,
        help=f"Of a larger result only parts go out (modes birth, server, full); {LEAST} or "
        "more, 0 (the default) for never.",
    ),
    click.option("--max-body-mb", type=_POSITIVE, help="A larger body passes as it came, in MiB."),
    click.option(
        "--host",
        "hosts",
        multiple=True,
        metavar="NAME",
        help="One more host of a model API; repeatable. `pichay doctor --hosts` lists all.",
    ),
    click.option(
        "--http-fallback",
        is_flag=True,
        help="Answer a WebSocket with 426, so that its client (Codex) sends its whole conversation "
        "with every request, over HTTP, where it can be paged; some five times the bytes from "
        "client to proxy.",
    ),
    click.option(
        "--allow-subscription",
        is_flag=True,
        help="Also edit requests with a subscription login, as with an API key; they are only "
        "observed otherwise, whatever the mode.",
    ),
    click.option(
        "--keep-thinking",
        is_flag=True,
        help="Never give up thinking so that what stands before it can leave.",
    ),
    click.option(
        "--memory-tools/--no-memory-tools",
        default=None,
        help="Offer the model tools for its own memory, which the client never sees (modes page, "
        "full; the default).",
    ),
    click.option(
        "--cleanup-tags",
        is_flag=True,
        help="Let the model do the same by tags in its text; they are taken out of it (modes page, "
        "full).",
    ),
    click.option(
        "--metrics-port",
        type=click.IntRange(0, 65535),
        help="Port of 127.0.0.1 where Prometheus may ask for /metrics; 0 (the default) for none.",
    ),
    click.option(
        "--otel",
        is_flag=True,
        help="One OpenTelemetry span per request (amounts and names, no text of it) to the "
        "endpoint in OTEL_EXPORTER_OTLP_ENDPOINT; nothing is sent anywhere unless you name one. "
        "Needs pip install 'pichay[otel]'.",
    ),
    click.option("--database", type=_PATH, help="Record here, not in PICHAY_HOME."),
    click.option(
        "--reverse",
        is_flag=True,
        help="Be the client's base URL; nothing is decrypted, no CA is needed.",
    ),
    click.option(
        "--confdir",
        type=_PATH,
        default=CONFDIR,
        show_default=True,
        help="mitmproxy's folder: its CA and config.yaml.",
    ),
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_setting,
        help="An option of mitmproxy itself; repeatable.",
    ),
)


def launch_options(port: int | None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator: the verb is called with one ``options: Options``, whatever was given.

    *port* is the default of ``--port``; None means a free one.
    """
    described = "a free one" if port is None else str(port)
    port_option = click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=port,
        show_default=described,
        help="Port on 127.0.0.1; 0 means a free one.",
    )

    def decorate(verb: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(verb)
        def with_options(**given: Any) -> Any:
            own = {name: given.pop(name) for name in Options.__dataclass_fields__}
            return verb(options=Options(**own), **given)

        return functools.reduce(
            lambda decorated, option: option(decorated),
            reversed((*_OPTIONS, port_option)),
            with_options,
        )

    return decorate
