"""The parts of the docs that the code says itself: what it prints is written down.

The tests compare them (``tests/test_docs.py``), so that no page says what is not so.
"""
