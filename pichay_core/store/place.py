"""Where Pichay keeps its state on this machine.

Rule of this file: one folder, named by ``PICHAY_HOME`` (default ``~/.pichay``), that only
its owner may enter. Everything Pichay writes lies below it.
"""

import os
from pathlib import Path

VARIABLE = "PICHAY_HOME"
"""The environment variable that names the state folder."""


class HomeError(Exception):
    """The state folder cannot be made; the text says what to do."""


def home() -> Path:
    """The state folder, absolute. It exists afterwards; made by this call, its mode is 0700."""
    folder = _named()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise HomeError(
            f"The state folder {folder} cannot be made ({reason}). "
            f"Set {VARIABLE} to a folder that you may write to."
        ) from error
    return folder


def database_path() -> Path:
    """The file of the recorder, in the state folder. The file itself may not exist yet."""
    return home() / "pichay.db"


def _named() -> Path:
    return Path(os.environ.get(VARIABLE) or "~/.pichay").expanduser().absolute()
