from pichay_core.store.changes import Changes
from tests.pichay_cli.builders import Recording


def test_the_stamp_changes_with_a_commit_and_only_then(tmp_path):
    made = Recording(tmp_path / "pichay.db")
    changes = Changes(made.path)
    before = changes.stamp()
    assert changes.stamp() == before
    made.session()
    assert changes.stamp() != before
    changes.close()


def test_a_file_that_is_not_there_yet_has_no_stamp(tmp_path):
    path = tmp_path / "pichay.db"
    changes = Changes(path)
    assert changes.stamp() is None
    Recording(path)
    assert changes.stamp() is not None
    changes.close()
