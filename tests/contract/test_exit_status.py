import signal

import pytest

from engine.contract.exit_status import describe_exit


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (-9, "a kill, as the system does it where memory runs out"),
        (-6, "an abort"),
        (-11, "a segmentation fault"),
        (-4, "an illegal instruction: this processor lacks one that the library uses"),
        (-63, "signal 63"),
        (0, "exit status 0"),
        (3, "exit status 3"),
        (0xC0000005, "an access violation"),
        (0xC0000005 - 2**32, "an access violation"),  # as a signed number
        (0xC0000135, "a missing library"),
        (0xC0DEC0DE - 2**32, "exit status 0xc0dec0de"),
    ],
)
def test_an_exit_status_is_said_in_words(status: int, words: str) -> None:
    assert describe_exit(status) == words


def test_what_native_code_dies_of_has_words_of_its_own() -> None:
    for name in ("SIGABRT", "SIGSEGV", "SIGILL", "SIGFPE", "SIGKILL", "SIGBUS", "SIGTERM"):
        if hasattr(signal, name):
            assert "signal" not in describe_exit(-getattr(signal, name))
