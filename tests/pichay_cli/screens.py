"""Drawings as the text that a terminal of a given size would show.

Blanks at the end of a line do not count: nobody sees them.
"""

import io

from rich.console import Console


def text(drawing, width=80):
    """The drawing as it is printed where there is no terminal."""
    return _printed(drawing, width=width)


def screen(drawing, width=80, height=24):
    """The drawing as it is printed on a terminal that knows no colours."""
    return _printed(
        drawing, width=width, height=height, force_terminal=True, color_system=None, no_color=True
    )


def _printed(drawing, **options):
    file = io.StringIO()
    console = Console(file=file, markup=False, highlight=False, emoji=False, **options)
    console.print(drawing)
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())
