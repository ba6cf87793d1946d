"""One thread: several that wait for each other on a busy machine were 300 times slower."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    torch = pytest.importorskip("torch", reason="needs torch")
    torch.set_num_threads(1)
