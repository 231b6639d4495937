"""Who else is told what is recorded: Prometheus and OpenTelemetry, if the user wants them.

Rule of this file: what is missing for them ends a start, as any wrong option does; what fails later
is said and changes nothing else. Their libraries are imported only where they are asked for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mitmproxy import exceptions

from pichay_core.store.recorder import Observer, Recorder
from pichay_proxy.options import Settings

_INSTALL = "pichay_otel needs more packages: pip install 'pichay[otel]'"
_NO_ENDPOINT = (
    "pichay_otel needs to know where spans go: set OTEL_EXPORTER_OTLP_ENDPOINT, "
    "for example to http://127.0.0.1:4318. Nothing is sent anywhere else"
)


@dataclass(slots=True)
class LookingOn:
    """Those who look on, until :meth:`close`."""

    observers: list[Observer] = field(default_factory=list[Observer])
    started: list[Callable[[Recorder], None]] = field(
        default_factory=list[Callable[[Recorder], None]]
    )
    """Called with the recorder once it is there."""
    ends: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])

    def follow(self, recorder: Recorder) -> None:
        """Let them look at the recorder that tells them."""
        for follow in self.started:
            follow(recorder)

    def close(self) -> None:
        """Let them go: the last spans are sent, the port is free."""
        for end in self.ends:
            end()


def looking_on(
    settings: Settings, environment: Mapping[str, str], warn: Callable[[str], None]
) -> LookingOn:
    """Return those whom the settings name. Raises OptionsError with what to do."""
    found = LookingOn()
    if settings.otel:
        _trace(found, environment)
    if settings.metrics_port:
        _measure(found, settings.metrics_port, warn)
    return found


def _trace(found: LookingOn, environment: Mapping[str, str]) -> None:
    try:
        from pichay_proxy.spans import endpoint, exporting

        if endpoint(environment) is None:
            raise exceptions.OptionsError(_NO_ENDPOINT)
        made = exporting()
    except ImportError as error:
        raise exceptions.OptionsError(_INSTALL) from error
    except ValueError as error:
        raise exceptions.OptionsError(f"pichay_otel: OpenTelemetry says: {error}") from error
    found.observers.append(made.observe)
    found.ends.append(made.close)


def _measure(found: LookingOn, port: int, warn: Callable[[str], None]) -> None:
    """A port that somebody else has, as another agent's proxy may, keeps nobody from working."""
    from pichay_proxy.metrics import Metrics, serve

    metrics = Metrics()
    try:
        found.ends.append(serve(metrics, port))
    except OSError as error:
        warn(f"no metrics on 127.0.0.1:{port} ({error.strerror}): name another port, or 0")
        return
    found.observers.append(metrics.observe)
    found.started.append(metrics.follow)
