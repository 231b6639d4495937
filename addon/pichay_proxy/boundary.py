"""The one place where any error of ours ends.

Rule: whatever goes wrong inside Pichay, the agent's request goes upstream as it came and the
agent's stream keeps flowing. So nothing that is raised may leave a hook: mitmproxy would keep
half a change, and a cancelled hook would leave the client waiting for ever.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType


class FailOpen:
    """``with FailOpen(report):`` ends any exception inside and reports it.

    A cancellation counts (mitmproxy never finishes a flow whose hook was cancelled); an
    interrupt or an exit does not.
    """

    def __init__(self, report: Callable[[BaseException], None]) -> None:
        self._report = report

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception | asyncio.CancelledError):
            return False
        with FailOpen(_untold):
            self._report(error)
        return True


def _untold(error: BaseException) -> None:
    """Drop what a failing report raised: it must not do what the error was kept from."""


def contained(action: Callable[[], None]) -> Exception | None:
    """Run an action and return the exception that ended it, None if it went well."""
    errors: list[BaseException] = []
    with FailOpen(errors.append):
        action()
    return next((error for error in errors if isinstance(error, Exception)), None)
