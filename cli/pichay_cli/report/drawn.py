"""Charts as SVG: Vega-Lite draws them, and what it draws is checked before it stands in a page.

Rule of this file: it alone imports vl_convert, and only when a page is made. A chart needs no
script and loads nothing; its colours are named by the page, so that they follow light and dark.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from importlib.util import find_spec
from typing import Any
from xml.etree import ElementTree

import click

type Spec = dict[str, Any]
"""A chart in Vega-Lite."""

NEEDED = ("vl_convert", "jinja2")
SVG = "http://www.w3.org/2000/svg"
HOVER = "hover"
"""The layer of a chart whose marks say something when they are pointed at."""
_ELEMENTS = {"svg", "g", "path", "text", "line", "rect", "circle", "defs", "clipPath", "tspan"}
_ATTRIBUTES = {
    *("clip-path", "d", "dx", "dy", "fill", "fill-opacity", "font-family", "font-size"),
    *("font-weight", "height", "id", "opacity", "stroke", "stroke-dasharray", "stroke-linecap"),
    *("stroke-linejoin", "stroke-miterlimit", "stroke-opacity", "stroke-width", "text-anchor"),
    *("transform", "viewBox", "width", "x", "x1", "x2", "y", "y1", "y2", "r", "cx", "cy"),
}
_CONFIG: Spec = {
    "background": None,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--quiet)",
        "titleColor": "var(--quiet)",
        "gridColor": "var(--grid)",
        "domainColor": "var(--grid)",
        "tickColor": "var(--grid)",
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "labelPadding": 6,
        "ticks": False,
        "domain": False,
    },
}


class Width(IntEnum):
    """Pixels of a chart."""

    WIDE = 880
    NARROW = 350


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart in two widths, as SVG elements."""

    wide: str
    narrow: str = ""
    """Empty if one stands for both."""


def drawable() -> None:
    """Raises a ClickException that says what to install if no page can be made."""
    if not all(find_spec(name) for name in NEEDED):
        raise click.ClickException(
            "A page with charts needs two more packages. Install them with: "
            "pip install 'pichay[report]'"
        )


def both(chart: Callable[[Width], Spec], name: str) -> Drawn:
    """Return a chart for wide and for narrow screens."""
    return Drawn(
        drawn(chart(Width.WIDE), f"{name}-wide"), drawn(chart(Width.NARROW), f"{name}-narrow")
    )


def alone(spec: Spec, name: str) -> Drawn:
    """Return a chart that is the same on wide and narrow screens."""
    return Drawn(drawn(spec, name))


def drawn(spec: Spec, name: str) -> str:
    """Return a chart as an SVG element; *name* keeps what it refers to apart from others."""
    import vl_convert

    whole = {"$schema": "https://vega.github.io/schema/vega-lite/v6.json", **spec}
    whole["config"] = _CONFIG
    text = vl_convert.vegalite_to_svg(whole, allowed_base_urls=[])
    return safe(text, name)


def safe(text: str, name: str) -> str:
    """Return an SVG with nothing in it but shapes and text, its names made its own.

    Raises ValueError if there is anything else in it.
    """
    root = ElementTree.fromstring(text)
    _clean(root, name, hover=False)
    for size in ("width", "height"):
        root.attrib.pop(size, None)
    root.set("aria-hidden", "true")
    ElementTree.register_namespace("", SVG)
    return ElementTree.tostring(root, encoding="unicode")


def _clean(element: ElementTree.Element, name: str, hover: bool) -> None:
    tag = element.tag.removeprefix(f"{{{SVG}}}")
    if tag not in _ELEMENTS:
        raise ValueError(f"a chart must not hold <{tag}>")
    hover = hover or HOVER in element.get("class", "")
    said = element.get("aria-label") if hover and tag == "path" else None
    kept = {key: _own(value, name) for key, value in element.items() if key in _ATTRIBUTES}
    element.attrib.clear()
    element.attrib.update(_worth(kept, name))
    if said:
        element.set("data-said", said)
    for child in list(element):
        _clean(child, name, hover)
    _drop_empty(element)


def _own(value: str, name: str) -> str:
    """What refers to another element refers to this chart's; a tenth of a pixel is enough."""
    return _LONG.sub(r"\1", value.replace("url(#", f"url(#{name}-"))


_LONG = re.compile(r"(\d\.\d)\d+")


def _worth(kept: dict[str, str], name: str) -> Iterable[tuple[str, str]]:
    """What says something: Vega writes out many a default."""
    defaults = {("opacity", "1"), ("font-weight", "normal"), ("transform", "translate(0,0)")}
    for key, value in kept.items():
        if (key, value) not in defaults:
            yield key, f"{name}-{value}" if key == "id" else value


def _drop_empty(element: ElementTree.Element) -> None:
    """Leave out groups with nothing in them, and paths that Vega draws for a background."""
    for child in list(element):
        tag = child.tag.removeprefix(f"{{{SVG}}}")
        nothing = tag == "g" and not len(child)
        invisible = tag == "path" and not child.get("fill") and not child.get("stroke")
        if nothing or (invisible and not child.get("data-said")):
            element.remove(child)
