"""What the store's tests have in common."""

import pytest

from tests.builders import RecordedProxy, rules


@pytest.fixture
def proxy(tmp_path):
    """A proxy that records and flushes batches of about four pages."""
    made = RecordedProxy(tmp_path / "db", rules(flush_tokens=4000))
    yield made
    made.stop()
