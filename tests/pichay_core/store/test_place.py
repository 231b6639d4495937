import stat
from pathlib import Path

import pytest

from pichay_core.prices import NOTHING, BadPrices, parse
from pichay_core.store.place import HomeError, database_path, home, own_prices, prices_path


def test_the_state_folder_is_made_for_its_owner_only(monkeypatch, tmp_path):
    monkeypatch.setenv("PICHAY_HOME", str(tmp_path / "a" / "b"))
    assert home() == tmp_path / "a" / "b"
    assert stat.S_IMODE(home().stat().st_mode) == 0o700


def test_without_the_variable_the_state_folder_is_in_the_users_home(monkeypatch, tmp_path):
    monkeypatch.delenv("PICHAY_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert home() == tmp_path / ".pichay"


def test_a_relative_state_folder_is_made_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PICHAY_HOME", "state")
    assert home() == tmp_path / "state"


def test_the_database_lies_in_the_state_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("PICHAY_HOME", str(tmp_path / "state"))
    assert database_path() == tmp_path / "state" / "pichay.db"
    assert not database_path().exists()


def test_a_state_folder_that_cannot_be_made_says_what_to_do(monkeypatch, tmp_path):
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("PICHAY_HOME", str(file))
    with pytest.raises(HomeError, match=r"cannot be made \(File exists\).*Set PICHAY_HOME"):
        home()
    monkeypatch.setenv("PICHAY_HOME", str(Path(file) / "below"))
    with pytest.raises(HomeError, match="Set PICHAY_HOME"):
        home()


PRICED = """{"house": {"input": 1, "output": 2,
    "cache_read": 1, "cache_write_5m": 1, "cache_write_1h": 1}}"""


def test_own_prices_are_read_from_the_state_folder_which_is_not_made_for_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PICHAY_HOME", str(tmp_path / "state"))
    assert own_prices() == NOTHING
    assert not (tmp_path / "state").exists()
    home()
    prices_path().write_text(PRICED, "utf-8-sig")
    assert own_prices() == parse(PRICED)


def test_a_price_file_that_cannot_be_taken_is_named_with_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("PICHAY_HOME", str(tmp_path))
    prices_path().write_bytes(b"{")
    with pytest.raises(BadPrices, match=r"prices\.json: not JSON .*correct it"):
        own_prices()
    prices_path().write_bytes(b"\xff\xff\xff")
    with pytest.raises(BadPrices, match=r"prices\.json is not UTF-8"):
        own_prices()
    with pytest.raises(BadPrices, match=r"other\.json is not there: name another"):
        own_prices(tmp_path / "other.json")
    with pytest.raises(BadPrices, match="cannot be read"):
        own_prices(tmp_path)
