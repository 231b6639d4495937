"""Where Pichay keeps its state on this machine.

Rule of this file: one folder, named by ``PICHAY_HOME`` (default ``~/.pichay``), that only
its owner may enter. Everything Pichay writes lies below it.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pichay_core.prices import Prices

VARIABLE = "PICHAY_HOME"
"""The environment variable that names the state folder."""


class HomeError(Exception):
    """The state folder cannot be made or written to; the text says what to do."""


def home() -> Path:
    """The state folder, absolute. It exists afterwards; made by this call, its mode is 0700."""
    folder = _named()
    with _advised(f"The state folder {folder} cannot be made"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


@contextmanager
def written(folder: Path) -> Generator[None]:
    """The block writes to a folder in the state folder, which is made for it.

    Raises HomeError if it cannot.
    """
    with _advised(f"{folder} cannot be written to"):
        folder.mkdir(mode=0o700, exist_ok=True)
        yield


@contextmanager
def _advised(problem: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise HomeError(
            f"{problem} ({reason}). Set {VARIABLE} to a folder that you may write to."
        ) from error


def database_path() -> Path:
    """The file of the recorder, in the state folder. The file itself may not exist yet."""
    return home() / "pichay.db"


def beside(path: Path) -> Path:
    """The file that is recorded in while a newer Pichay's stands at *path*: one for each version.

    ``pichay.db`` becomes ``pichay-0.1.0.db``. It may not exist yet.
    """
    # Here, as its import takes a tenth of a second, and this is rarely asked.
    from importlib.metadata import version

    return path.with_name(f"{path.stem}-{version('pichay')}{path.suffix}")


def prices_path() -> Path:
    """The file of the user's own prices, in the state folder. Nothing is made by asking."""
    return _named() / "prices.json"


def own_prices(path: Path | None = None) -> "Prices":
    """The prices in *path*, or in the state folder; ``NOTHING`` if there is no such file there.

    Raises BadPrices, naming the file, the entry and what to do.
    """
    # Here, as who only wants to know the place need not wait for its import.
    from pichay_core.prices import NOTHING, BadPrices, parse

    file = path or prices_path()
    try:
        return parse(file.read_text("utf-8-sig"))
    except FileNotFoundError as error:
        if path is None:
            return NOTHING
        raise BadPrices(f"{file} is not there: name another price file") from error
    except OSError as error:
        raise BadPrices(f"{file} cannot be read ({error.strerror}): correct that") from error
    except UnicodeDecodeError as error:
        raise BadPrices(f"{file} is not UTF-8 ({error}): save it as that") from error
    except BadPrices as error:
        raise BadPrices(f"{file}: {error}") from error


def _named() -> Path:
    return Path(os.environ.get(VARIABLE) or "~/.pichay").expanduser().absolute()
