"""mitmproxy options -> :class:`Settings`, or an error that says what to do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mitmproxy import ctx, exceptions
from mitmproxy.addonmanager import Loader
from mitmproxy.options import Options

from pichay_core.birth.oversize import LEAST
from pichay_core.birth.profile import CHOICES
from pichay_core.birth.shorter import NOTHING_SHORTER, Births
from pichay_core.modes import AUTO, MODES, Mode, no_mode, usual_mode
from pichay_core.pager import Limits
from pichay_core.policies import POLICIES, USUAL_POLICY
from pichay_core.schedule import SCHEDULES, USUAL_SCHEDULE
from pichay_core.store.place import HomeError, database_path
from pichay_core.turn import Rules

_LIMITS = Limits()
_PREFIX = "pichay_"
_MODES = (AUTO, *MODES)
LONGEST_TIMEOUT = 3600
"""Seconds a request may be silent: models think longer than mitmproxy's own ten minutes."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user asked for."""

    database: Path
    hosts: frozenset[str]
    """Hosts of the user's own, beside those that always are looked at."""
    rules: Rules
    allow_subscription: bool
    largest_body: int
    """Bytes of a decoded body above which a request passes as it came."""
    mode: str = AUTO
    """One of ``MODES``, or ``AUTO``."""
    tools: str = AUTO
    """How the definitions of tools go out that a project does not use: one of ``CHOICES``."""
    diffs: bool = False
    """Where results may go out shorter, a file read again after a change goes out as a diff."""
    oversize: int = 0
    """Bytes of a result above which, there, only parts of it go out; 0 for never."""
    memory_tools: bool = True
    """Where pages leave, the model is offered tools to ask for them, and to let them go."""
    cleanup_tags: bool = False
    """Where pages leave, it may also say so in tags of its own text."""
    http_fallback: bool = False
    """A client that asks for a WebSocket is told to use HTTP."""
    metrics_port: int = 0
    """Of loopback, where Prometheus may ask for figures; 0 for none."""
    otel: bool = False
    """Spans of OpenTelemetry are made."""

    def mode_for(self, credential: str, model: str) -> str:
        """Return the mode of a request with this kind of credential.

        Under a subscription login nothing is edited unless the user said so.
        """
        if credential == "subscription":
            if not self.allow_subscription:
                return "observe"
            credential = "subscription, allowed"
        return usual_mode(credential, model) if self.mode == AUTO else self.mode

    def births_for(self, mode: Mode) -> Births:
        """Return which results go out shorter in a mode."""
        if not mode.births:
            return NOTHING_SHORTER
        return Births(True, self.diffs, self.oversize)


def add_options(loader: Loader) -> None:
    """Make every option of ours known to mitmproxy."""
    add = loader.add_option
    add("pichay_database", str, "", "SQLite file to record in (default ~/.pichay/pichay.db).")
    add("pichay_mode", str, AUTO, "Which mechanisms run: observe (decide and record only), birth, "
        "page, server, full; auto chooses by credential and model: full, but observe under a "
        "subscription login.", choices=_MODES)  # fmt: skip
    add("pichay_tools", str, AUTO, "Definitions of tools that earlier sessions of a project did "
        "not use: short, defer (by the provider's tool search, if the client has it), whole; "
        "auto defers where it can, else shortens.", choices=CHOICES)  # fmt: skip
    add("pichay_policy", str, USUAL_POLICY, "Which pages leave first.", choices=tuple(POLICIES))
    add("pichay_schedule", str, USUAL_SCHEDULE, "When pages leave.", choices=tuple(SCHEDULES))
    add("pichay_flush_tokens", int, _LIMITS.flush_tokens,
        "Pending tokens from which the batch schedule flushes.")  # fmt: skip
    add("pichay_keep_tokens", int, _LIMITS.keep,
        "Tokens of pages that the lru and size policies keep in the window.")  # fmt: skip
    add("pichay_tau", int, _LIMITS.tau, "Turns a page stays in the window at least.")
    add("pichay_min_bytes", int, _LIMITS.min_bytes, "A result of this size or less never leaves.")
    add("pichay_pin_half_life", int, _LIMITS.pin_half_life,
        "Turns in which an unused pin loses half its strength; 0 switches pins off.")  # fmt: skip
    add("pichay_keep_thinking", bool, False,
        "On models that bind thinking to the history: never give thinking up, so that what "
        "stands before it stays.")  # fmt: skip
    add(
        "pichay_diffs",
        bool,
        False,
        "Modes birth, server, full: a file that is read again after a change goes out as a diff.",
    )
    add(
        "pichay_oversize_bytes",
        int,
        0,
        "Modes birth, server, full: of a result larger than this "
        f"only parts go out, the same call again brings all of it; {LEAST} or more, 0 for never.",
    )
    add("pichay_memory_tools", bool, True,
        "Modes page, full: the model is offered tools to recall, release, pin and collapse what "
        "it was sent; the client never sees them.")  # fmt: skip
    add("pichay_cleanup_tags", bool, False,
        "Modes page, full: the model may release, pin and collapse by tags in its text, which "
        "are taken out before the client sees them.")  # fmt: skip
    add("pichay_hosts", Sequence[str], [],
        "More hosts of model APIs, by name: pichay doctor --hosts lists those known.")  # fmt: skip
    add("pichay_http_fallback", bool, False,
        "Answer a WebSocket with 426, so that its client (Codex) sends its whole conversation "
        "with every request, over HTTP, where it can be paged. It costs bytes: 2.3 MB from client "
        "to proxy instead of 0.5 MB, in three short prompts of Codex.")  # fmt: skip
    add("pichay_allow_subscription", bool, False,
        "Also edit under a subscription login, as with an API key (may be refused or billed "
        "apart).")  # fmt: skip
    add("pichay_metrics_port", int, 0,
        "Port of 127.0.0.1 where Prometheus may ask for /metrics; 0 for none.")  # fmt: skip
    add("pichay_otel", bool, False,
        "One OpenTelemetry span per request (amounts and names, no text of it) to the endpoint in "
        "OTEL_EXPORTER_OTLP_ENDPOINT; nothing is sent anywhere unless you name one. Needs "
        "pip install 'pichay[otel]'.")  # fmt: skip
    add("pichay_max_body_mb", int, 64, "A larger decoded body passes as it came, in MiB.")


def unusable(options: Options) -> str | None:
    """Say what is wrong with what was set for us before we were there, None if nothing is.

    mitmproxy keeps ``--set`` and ``config.yaml`` for a script until the script's options are
    known, and sets them then. A value that cannot be read ends that in silence (the task that
    loads the script dies, nobody awaits it, and mitmproxy runs on without the script); a name
    that nobody knows is kept for ever. So the same is done here, one step earlier, where what
    goes wrong can still be said.
    """
    try:
        options.process_deferred()
    except (exceptions.OptionsError, TypeError) as error:
        return str(error)
    if strange := [name for name in options.deferred if name.startswith(_PREFIX)]:
        known = sorted(name for name, _ in options.items() if name.startswith(_PREFIX))
        return f"{strange[0]} is not an option; there are: {', '.join(known)}"
    return None


def settings_of(options: Options) -> Settings:
    """Return the settings. Raises OptionsError with what to do."""
    _refuse_conflicts(options)
    limits = Limits(
        tau=_at_least(options, "pichay_tau", 1),
        min_bytes=_at_least(options, "pichay_min_bytes", 0),
        flush_tokens=_at_least(options, "pichay_flush_tokens", 1),
        pin_half_life=_at_least(options, "pichay_pin_half_life", 0),
        keep=_at_least(options, "pichay_keep_tokens", 0),
    )
    rules = Rules(
        POLICIES[_one_of(options, "pichay_policy", POLICIES)],
        SCHEDULES[_one_of(options, "pichay_schedule", SCHEDULES)],
        limits,
        keep_thinking=options.pichay_keep_thinking,
    )
    hosts = frozenset(host.strip().lower() for host in options.pichay_hosts)
    if bad := [host for host in hosts if not host or "/" in host or ":" in host]:
        raise exceptions.OptionsError(
            f"pichay_hosts takes bare host names, like llm.example.com, not {bad[0]!r}"
        )
    return Settings(
        database=_database(options.pichay_database),
        hosts=hosts,
        rules=rules,
        mode=_mode(options.pichay_mode),
        tools=_one_of(options, "pichay_tools", CHOICES),
        allow_subscription=options.pichay_allow_subscription,
        diffs=options.pichay_diffs,
        oversize=_oversize(options.pichay_oversize_bytes),
        memory_tools=options.pichay_memory_tools,
        cleanup_tags=options.pichay_cleanup_tags,
        http_fallback=options.pichay_http_fallback,
        metrics_port=_port(options.pichay_metrics_port),
        otel=options.pichay_otel,
        largest_body=_at_least(options, "pichay_max_body_mb", 1) * 1024 * 1024,
    )


def _database(named: str) -> Path:
    try:
        return Path(named).expanduser().absolute() if named else database_path()
    except HomeError as error:
        raise exceptions.OptionsError(str(error)) from error


def _mode(named: str) -> str:
    if named not in _MODES:
        raise exceptions.OptionsError(f"pichay_mode {no_mode(named)}")
    return named


def _one_of(options: Options, name: str, known: Iterable[str]) -> str:
    """mitmproxy shows an option's choices, and checks them on its command line only."""
    value = getattr(options, name)
    if value not in known:
        raise exceptions.OptionsError(f"{name} must be {' or '.join(known)}, not {value!r}")
    return value


def _at_least(options: Options, name: str, least: int) -> int:
    value = getattr(options, name)
    if value < least:
        raise exceptions.OptionsError(f"{name} must be {least} or more, not {value}")
    return value


def _port(number: int) -> int:
    if not 0 <= number <= 65535:
        raise exceptions.OptionsError(
            f"pichay_metrics_port must be a port, or 0 for none, not {number}"
        )
    return number


def _oversize(size: int) -> int:
    if size and size < LEAST:
        raise exceptions.OptionsError(
            f"pichay_oversize_bytes must be {LEAST} or more, or 0 to send every result whole, "
            f"not {size}"
        )
    return size


def _refuse_conflicts(options: Options) -> None:
    """Refuse options of mitmproxy under which a request cannot be edited, or hangs."""
    if options.stream_large_bodies:
        raise exceptions.OptionsError(
            "stream_large_bodies hides request bodies from Pichay: unset it "
            "(responses are streamed anyway)"
        )
    if options.body_size_limit:
        raise exceptions.OptionsError(
            "body_size_limit makes mitmproxy hang on chunked uploads: unset it "
            "(use pichay_max_body_mb to leave large bodies alone)"
        )


def lengthen_timeout() -> None:
    """Let a silent request live as long as a model may think, unless the user chose a bound."""
    if ctx.options.tcp_timeout == ctx.options.default("tcp_timeout"):
        ctx.options.update(tcp_timeout=LONGEST_TIMEOUT)
