"""Decoded JSON, taken for what it should be.

One idea: what has another shape than expected is taken as empty, so that a reader needs no
case for it and never fails on what a client or a provider invents.
"""

from collections.abc import Mapping
from typing import cast

type Json = Mapping[str, object]


def mapping(item: object) -> Json:
    """Return the item if it is an object, else an empty one."""
    return cast("Json", item) if isinstance(item, dict) else {}


def items(item: object) -> list[object]:
    """Return the item if it is a list, else an empty one."""
    return cast("list[object]", item) if isinstance(item, list) else []


def string(item: object) -> str:
    """Return the item if it is a string, else an empty one."""
    return item if isinstance(item, str) else ""
