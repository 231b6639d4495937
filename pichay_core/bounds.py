"""From where on a session thrashes (``thrash.py``): numbers alone, as readers need no more."""

WINDOW = 16
"""Turns. For so long a single fault's pin holds (:class:`pichay_core.pager.Limits`), so that a
page that leaves and comes back within it leaves against what the pager has just learned."""
LEAST_REFETCHES = 3
"""In a window. Fewer say nothing: one refetch after two evictions is no pattern."""
REFETCH_BOUND = 0.25
"""Refetches for each page moved out. A refetch costs a round trip that reads the whole prefix;
below a quarter an eviction of a few thousand tokens still repays it within about ten requests."""
BOUNCED = 2
"""Times that a page came back, from which it has bounced."""
