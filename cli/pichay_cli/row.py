"""One fact that ``pichay doctor`` tells."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Row:
    """One fact: what was looked at, what was found, what to do about it."""

    status: Status
    what: str
    finding: str
    advice: str = ""


def ok(what: str, finding: str) -> Row:
    """A fact that is as it should be."""
    return Row(Status.OK, what, finding)


def warn(what: str, finding: str, advice: str) -> Row:
    """A fact that the user should know, and what to do."""
    return Row(Status.WARN, what, finding, advice)


def fail(what: str, finding: str, advice: str) -> Row:
    """A fact that keeps Pichay from working, and what to do."""
    return Row(Status.FAIL, what, finding, advice)
