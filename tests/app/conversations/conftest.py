"""What the tests of the conversations share."""

import pytest

from tests.support.saved_recorder import SavedRecorder


@pytest.fixture
def recorder() -> SavedRecorder:
    """Hears of every write of the stores that get its reports."""
    return SavedRecorder()
