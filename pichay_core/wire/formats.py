"""The wire formats that there are, by their names. One more is one line."""

from types import ModuleType
from typing import cast

from pichay_core.wire import anthropic, gemini, openai_chat, openai_responses
from pichay_core.wire.format import Format


def _format(module: ModuleType) -> Format:
    """Return a module as what its room provides; a test compares it with the protocol."""
    return cast("Format", module)


_MODULES = (
    anthropic,
    gemini,
    openai_chat,
    openai_responses,
)
FORMATS: dict[str, Format] = {format.name: format for format in map(_format, _MODULES)}
