"""``scripts/recording``: a recording as large as wanted, made up, in the real tables.

Rule of this package: the same size and seed give the same rows. The sums of a row agree with each
other (what is sent is what is billed, a page that is out left with a flush), because a course of
requests is played; the texts and the amounts are drawn.
"""
