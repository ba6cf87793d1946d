"""What the tests of training share."""

import pytest

from engine.training.data import Corpus, read_corpus
from tests.conftest import SHARED_DATA


@pytest.fixture(scope="session")
def real_corpus() -> Corpus:
    """The data that the built-in model was trained on, read once."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs the texts of ../shared/data, which are not beside this checkout")
    return read_corpus(SHARED_DATA, seed=1)
