"""How often a page is asked for again, by how it stands and since when nobody has.

Written by ``scripts/priors CORPUS > pichay_core/policies/priors.py``: change nothing here.
Counted: 428 conversations, 349,950 page-turns, 3,091 references.
"""

from pichay_core.model import Kind
from pichay_core.policies.references import Standing

AGES = (0, 1, 2, 4, 8, 16, 32, 64, 128)
"""Turns since the last reference from which a bucket goes on to the next."""

RATES = {
    Standing.QUERY:
        (0.002, 0.002, 0.0008, 0.00016, 0.00016, 0.00016, 0.00016, 8e-05, 8e-05),
    Standing.OLDER:
        (0.00171, 0.00076, 0.00028, 0.00016, 0.00016, 0.00016, 2e-05, 2e-05, 1e-05),
    Standing.WHOLE:
        (0.04587, 0.01403, 0.01241, 0.01081, 0.01031, 0.00809, 0.00633, 0.00254, 0.0007),
    Standing.PART:
        (0.1629, 0.04422, 0.01619, 0.00929, 0.00615, 0.00272, 0.00112, 0.00015, 0.00015),
    Standing.EDITED:
        (0.41912, 0.06205, 0.03334, 0.01343, 0.01153, 0.00567, 0.00323, 0.00304, 0.00137),
}  # fmt: skip
"""References to one page in one turn; never rising with age."""

WEIGHTS = {Kind.QUERY: 100.0, Kind.READ: 24.7}
"""How many references of a session outweigh the rates, by kind of tool."""
