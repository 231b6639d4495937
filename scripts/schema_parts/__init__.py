"""The parts of the docs that are made: what the tables hold, and what examples answer.

``pages`` makes them of the descriptions and of a recording, ``__main__`` writes them.
"""
