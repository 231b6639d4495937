"""The rooms of the house, and which may know which. Read from the source, nothing is run."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = {"pichay_core": ROOT, "pichay_proxy": ROOT / "addon", "pichay_cli": ROOT / "cli",
           "pichay_addon": ROOT / "addon"}  # fmt: skip

LAYERS = [
    "model",
    "wire.shapes",
    "table events_asked events_defined events_thrash events models modes stubs tokens prices "
    "tariff tools shell patches wire",
    "policies schedule prefix faults thrash admission referring presence cacheprice birth hosts "
    "cooperate request neighbours",
    "pager given easing leaving thinking session transcript ledger identity rewrite markers "
    "folding binding flushcost cooperate.folds",
    "warmth window flushes follow beginning advising cooperate.means cooperate.asides",
    "cooperate.recalls cooperate.wishes cooperate.status cooperate.answers",
    "turn replay traces probe",
    "store",
]
"""Rooms of ``pichay_core`` from the ground up. A room knows its own layer and those below."""

IMPURE = {
    "time", "random", "secrets", "logging", "os", "pathlib", "threading", "socket", "sqlite3",
    "subprocess", "asyncio", "uuid", "tempfile", "shutil", "sys",
}  # fmt: skip
"""Time, chance and place come into the core as arguments."""

PAINTERS = {"render", "doctor_view", "gauges", "fitting"}
"""Modules of the CLI that put values on a screen."""

LONGEST = 300


def name_of(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def sources() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for package, root in SOURCES.items():
        paths = [root / f"{package}.py", *(root / package).rglob("*.py")]
        found |= {name_of(path, root): path for path in paths if path.exists()}
    return found


FILES = sources()
TREES = {name: ast.parse(path.read_text()) for name, path in FILES.items()}


def imported(name: str) -> Iterator[str]:
    """The modules that a module imports, ours and others', wherever in it."""
    for node in ast.walk(TREES[name]):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                within = (f"{module}.{alias.name}" for alias in names)
                ours = [part for part in within if part in FILES]
                yield from ours or [module]
            case ast.ImportFrom():
                raise AssertionError(f"{name} imports relatively")
            case _:
                pass


GRAPH = {name: {other for other in imported(name) if other in FILES} for name in FILES}


def packages(name: str) -> set[str]:
    return {other.partition(".")[0] for other in imported(name)}


def layer_of(name: str) -> int:
    """The layer of a module of the core: that of the longest room name it stands in."""
    room = name.removeprefix("pichay_core.")
    rooms = [(part, layer) for layer, parts in enumerate(LAYERS) for part in parts.split()]
    fitting = [(len(part), layer) for part, layer in rooms if f"{room}.".startswith(f"{part}.")]
    assert fitting, f"{name} stands in no room: give it one in LAYERS"
    return max(fitting)[1]


CORE = [name for name in FILES if name.startswith("pichay_core.")]


def test_the_house_is_all_there():
    assert len(CORE) > 30
    assert {"pichay_core", "pichay_proxy", "pichay_cli", "pichay_addon"} <= FILES.keys()


def test_imports_of_the_core_point_only_down():
    wrong = {
        (name, other)
        for name in CORE
        for other in GRAPH[name] - {"pichay_core"}
        if layer_of(other) > layer_of(name)
    }
    assert wrong == set()


def test_no_imports_go_round_in_circles():
    assert list(TopologicalSorter(GRAPH).static_order())


def test_the_core_knows_neither_shell():
    assert {name for name in CORE if packages(name) & {"pichay_proxy", "pichay_cli"}} == set()


def test_addon_and_cli_never_import_each_other():
    for one, other in (("pichay_proxy", "pichay_cli"), ("pichay_cli", "pichay_proxy")):
        modules = [name for name in FILES if name.partition(".")[0] == one]
        assert modules
        assert {name for name in modules if packages(name) & {other, "pichay_addon"}} == set()


def test_only_the_addon_knows_mitmproxy():
    knowing = {name.partition(".")[0] for name in FILES if "mitmproxy" in packages(name)}
    assert knowing <= {"pichay_proxy", "pichay_cli"}


def test_the_core_has_no_clock_no_chance_and_no_place_but_in_the_store():
    pure = [name for name in CORE if not name.startswith("pichay_core.store")]
    assert {name: found for name in pure if (found := packages(name) & IMPURE)} == {}


def test_the_core_never_asks_what_day_it_is():
    asked = {
        name
        for name in CORE
        if not name.startswith("pichay_core.store")
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today")
    }
    assert asked == set()


def test_only_the_painters_know_rich():
    knowing = {name.rpartition(".")[2] for name in FILES if "rich" in packages(name)}
    assert knowing <= PAINTERS


def test_only_the_page_knows_what_draws_it():
    knowing = {name for name in FILES if packages(name) & {"vl_convert", "jinja2", "markupsafe"}}
    assert knowing == {"pichay_cli.report.drawn", "pichay_cli.report.page"}


def test_only_the_plot_knows_matplotlib():
    knowing = {name for name in FILES if "matplotlib" in packages(name)}
    assert knowing == {"pichay_cli.plot"}


def broad(handler: ast.ExceptHandler) -> bool:
    """True for ``except:``, ``except Exception`` and ``except BaseException``."""
    if handler.type is None:
        return True
    names = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(n, ast.Name) and n.id in ("Exception", "BaseException") for n in names)


def test_at_most_one_place_catches_everything():
    found = [
        f"{name}:{node.lineno}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and broad(node)
    ]
    assert len(found) <= 1, found


def test_the_list_of_addons_stands_in_the_script_alone():
    found = {
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and target.id == "addons"
    }
    assert found == {"pichay_addon"}


@pytest.mark.parametrize("name", FILES)
def test_a_module_says_what_it_is_and_is_not_too_long(name):
    assert ast.get_docstring(TREES[name]), f"{name} has no docstring"
    lines = len(FILES[name].read_text().splitlines())
    assert lines <= LONGEST
