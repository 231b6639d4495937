"""The provider: it refuses what it would refuse, and bills by its prefix cache and list prices."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from cooperation_parts.client import MODEL, WINDOW
from cooperation_parts.model import output_bytes
from pichay_cli.demo.cache import Entries, bill
from pichay_cli.demo.places import BYTES_PER_TOKEN, places
from pichay_cli.demo.rules import complaint
from pichay_core.model import Usage
from pichay_core.tariff import price

_MINIMUM = 1_024
"""Tokens of the shortest prefix that is cached for this model."""


class Refused(Exception):
    """The provider answers with an error. Its text says which."""


@dataclass(slots=True)
class Upstream:
    """What the provider holds, and what it has billed."""

    entries: Entries = field(default_factory=dict)
    usages: list[Usage] = field(default_factory=list[Usage])
    """Of each request."""
    dollars: float = 0.0

    def bill(self, request: Mapping[str, Any], reply: list[dict[str, Any]], at: float) -> Usage:
        """Return what a request and its reply are billed at *at*, in seconds. Raises Refused."""
        if why := complaint(request):
            raise Refused(why)
        billed = bill(self.entries, places(request), scope="", minimum=_MINIMUM, now=at)
        self.entries = billed.entries
        usage = replace(billed.usage, output=math.ceil(output_bytes(reply) / BYTES_PER_TOKEN))
        if usage.window > WINDOW:
            raise Refused(f"prompt is too long: {usage.window} tokens > {WINDOW} maximum")
        self.usages.append(usage)
        found = price(usage, MODEL, datetime.fromtimestamp(at, UTC))
        self.dollars += found.total if found else 0.0
        return usage
