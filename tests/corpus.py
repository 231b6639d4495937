"""Where recorded sessions of real agents are looked for, and the loader that is not ours."""

import importlib.util
import os
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
CORPUS = Path(os.environ.get("PICHAY_CORPUS") or CHECKOUT.parent / "shared" / "corpus")
ALL = bool(os.environ.get("PICHAY_CORPUS_ALL"))
"""Every recording was asked for, not a sample."""
ABSENT = f"there are no recorded sessions at {CORPUS}; PICHAY_CORPUS names another place"


def independent_loader():
    """Return the corpus's own loader; skips the test if there is no corpus."""
    path = CORPUS / "load.py"
    if not path.exists():
        pytest.skip(ABSENT)
    spec = importlib.util.spec_from_file_location("corpus_loader", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
