"""Characters that the encoding of standard output lacks, as others like them.

Rule of this file: one for one, so that columns stay.
"""

import codecs
import sys
from io import TextIOWrapper

_ALIKE = dict(zip("█▓▒░─│└·›×…▁▂▃▄▅▆▇↑↓", "#=+.-|`;>x~_.,-=+#^v", strict=True))


def keep_going() -> None:
    """A character that standard output lacks is shown as one like it, or as ``?``."""
    if isinstance(sys.stdout, TextIOWrapper):
        codecs.register_error("pichay.alike", _alike)
        sys.stdout.reconfigure(errors="pichay.alike")


def _alike(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_ALIKE.get(letter, "?") for letter in lacking), error.end
