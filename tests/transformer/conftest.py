"""Two cores at most, and no progress bars."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def gentle() -> None:
    torch = pytest.importorskip("torch", reason="needs torch")
    torch.set_num_threads(min(2, torch.get_num_threads()))
