"""Which file a patch changes.

Source: the format of ``apply_patch`` (Codex, opencode), a header for each file that it changes.
"""

import re

from pichay_core.wire.shapes import Json, string

_PATCHES = ("input", "patch", "patchText", "patch_text")
_FILE = re.compile(r"^\*\*\* (?:(?:Update|Add|Delete) File|Move to): *([^\n]*[^\s])", re.MULTILINE)


def patched(arguments: Json) -> str | None:
    """Return the one file that a patch names; None if there is no patch, or it names more."""
    patch = next(filter(None, (string(arguments.get(name)) for name in _PATCHES)), "")
    files = {found[1] for found in _FILE.finditer(patch)}
    return files.pop() if len(files) == 1 else None
