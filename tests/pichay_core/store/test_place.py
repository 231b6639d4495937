import stat
from pathlib import Path

import pytest

from pichay_core.store.place import HomeError, database_path, home


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
