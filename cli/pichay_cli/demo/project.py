"""The scratch project of the demo: the rules of an imaginary harbour, as Python that runs.

Rule of this file: the same bytes each time, no chance and no clock. One function is wrong
(``late_departure_fee`` charges from the third hour, the handbook says from the second), and
one test says so.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

WRONG = "    if hours > FREE_HOURS:\n"
RIGHT = "    if hours >= FREE_HOURS:\n"

MODULES: Mapping[str, tuple[str, str, int]] = {
    "fees": ("fee class", "days", 44),
    "berths": ("berth", "days", 34),
    "cranes": ("crane", "lifts", 32),
    "tides": ("gauge", "readings", 28),
    "pilots": ("pilot", "trips", 34),
    "ledger": ("account", "entries", 34),
    "customs": ("customs desk", "declarations", 34),
    "tugs": ("tug", "tows", 38),
    "weather": ("weather mast", "reports", 28),
    "sheds": ("shed", "pallets", 32),
}
"""Module -> what its rules are about, what they count, how many there are."""

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")

_LATE = f'''
FREE_HOURS = 2
LATE_CENTS_PER_HOUR = 4500


def late_departure_fee(hours: int) -> int:
    """Return the fee in cents for leaving *hours* hours late; see the handbook, section 9."""
{WRONG}        return LATE_CENTS_PER_HOUR * hours
    return 0
'''


def write_project(folder: Path) -> None:
    """Write the whole project into *folder*, which exists."""
    for path, text in project_files().items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")


def project_files() -> dict[str, str]:
    """Return path -> text of every file."""
    modules = {f"harbour/{name}.py": _module(name) for name in MODULES}
    return {
        "README.md": _README,
        "harbour/__init__.py": '"""The rules of the harbour office."""\n',
        **modules,
        "tests/test_berths.py": _tests(),
        "docs/handbook.md": _handbook(),
        "data/arrivals.csv": _arrivals(),
    }


_README = """# Harbour

The rules of a harbour office, one module for each desk. Fees are whole cents.
`docs/handbook.md` says what the rules ought to be; where it and the code differ, it is right.

Run the tests with `python3 -m unittest tests.test_berths`.
"""


def _module(name: str) -> str:
    noun, unit, number = MODULES[name]
    rules = "".join(_rule(noun, unit, index) for index in range(1, number + 1))
    head = f'"""{noun.capitalize()}: what the office charges and allows. Fees are in cents."""\n'
    return head + rules + (_LATE if name == "berths" else "")


def _rule(noun: str, unit: str, index: int) -> str:
    name = noun.replace(" ", "_")
    match index % 3:
        case 1:
            return _fee_rule(name, noun, unit, index)
        case 2:
            return _weight_rule(name, noun, index)
        case _:
            return _hours_rule(name, noun, index)


def _fee_rule(name: str, noun: str, unit: str, index: int) -> str:
    return f'''

def {name}_{index:02d}_fee({unit}: int) -> int:
    """Return the fee of {noun} {index}: a base, and a rate for each of the {unit}."""
    if {unit} < 1:
        raise ValueError("{noun} {index} is charged from one of the {unit} on")
    return {base(index)} + {rate(index)} * {unit}
'''


def _weight_rule(name: str, noun: str, index: int) -> str:
    return f'''

def {name}_{index:02d}_allows(tonnes: int, draught_cm: int) -> bool:
    """Say whether {noun} {index} may take a vessel of this weight and this draught."""
    heavy = tonnes > {1200 + 130 * index}
    deep = draught_cm > {310 + 7 * index}
    return not (heavy or deep)
'''


def _hours_rule(name: str, noun: str, index: int) -> str:
    return f'''

def {name}_{index:02d}_hours(day: str) -> tuple[int, int]:
    """Return when {noun} {index} opens and closes; on a short day it closes early."""
    if day == "{_DAYS[index % len(_DAYS)]}":
        return ({6 + index % 3}, {14 + index % 4})
    return ({6 + index % 2}, {18 + index % 5})
'''


def base(index: int) -> int:
    """Return the base fee of rule *index*, in cents."""
    return 1730 + 45 * index


def rate(index: int) -> int:
    """Return the rate of rule *index*, in cents for each counted thing."""
    return 40 + (index * 17) % 90


def _tests() -> str:
    head = '"""The berth rules, against the figures of the handbook."""\n\nimport unittest\n\n'
    cases = "".join(_berth_test(index) for index in _fee_indexes("berths"))
    return f"""{head}from harbour import berths


class Berths(unittest.TestCase):
{cases}
    def test_the_first_hour_late_is_free(self):
        self.assertEqual(berths.late_departure_fee(1), 0)

    def test_from_the_second_hour_on_every_hour_late_is_charged(self):
        self.assertEqual(berths.late_departure_fee(2), 9000)
        self.assertEqual(berths.late_departure_fee(5), 22500)
"""


def _berth_test(index: int) -> str:
    days = tuple(range(1, 6))
    sums = "".join(
        f"        self.assertEqual(berths.berth_{index:02d}_fee({day}), "
        f"{base(index) + rate(index) * day})\n"
        for day in days
    )
    return (
        f"    def test_berth_{index:02d}_charges_a_base_and_a_rate(self):\n{sums}"
        f"        with self.assertRaises(ValueError):\n"
        f"            berths.berth_{index:02d}_fee(0)\n\n"
    )


def _fee_indexes(module: str) -> Iterator[int]:
    return (index for index in range(1, MODULES[module][2] + 1) if index % 3 == 1)


def _handbook() -> str:
    sections = "".join(_section(number, name) for number, name in enumerate(MODULES, start=1))
    late = "\n## Late departure\n\nFrom the second hour late on, every hour late is charged.\n"
    return "# Handbook of the harbour office\n" + sections + late


def _section(number: int, module: str) -> str:
    noun, unit, _ = MODULES[module]
    lines = "".join(
        f"- {noun} {index}: {base(index)} cents, and {rate(index)} cents for each of the {unit}.\n"
        for index in _fee_indexes(module)
    )
    hours = "".join(
        f"- {noun} {index} closes early on {_DAYS[index % len(_DAYS)]}.\n"
        for index in range(3, MODULES[module][2] + 1, 3)
    )
    return f"\n## {number}. {noun.capitalize()}\n\n{lines}\n{hours}"


def _arrivals() -> str:
    rows = "".join(
        f"2025-{1 + row % 12:02d}-{1 + row % 28:02d},vessel {row:03d},berth {1 + row % 34},"
        f"{900 + (row * 37) % 4100} t,{row % 6} h late\n"
        for row in range(1, 241)
    )
    return "date,vessel,berth,weight,delay\n" + rows
