"""How often a page is asked for again, over recorded sessions.

``counts`` walks over recordings, ``rates`` makes rates of what it counted, ``__main__`` prints
them as the module ``pichay_core/policies/priors.py``.
"""
