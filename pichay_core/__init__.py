"""Demand paging for the context window of a coding agent. The map of this package, in words.

Read a request as text with places in it (``wire``), recognise the conversation it belongs to
(``identity``, ``session``), find the pages in it (``transcript``), decide in values that know
no provider (``pager``, with a ``policies`` ranking and a ``schedule``), change only the decided
places (``rewrite``, ``stubs``), and tell a thread what happened (``store``). ``turn`` puts these
together: live traffic, replay and simulation all run it.

Everything outside ``store`` is pure: time, chance and stored content come in as arguments.
"""
