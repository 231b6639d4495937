"""tmp"""


def stream(): ...
