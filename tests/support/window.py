"""What the tests of the window share."""

from collections.abc import Callable

from app.application import Application

WAIT_MS = 20_000  # generous: a test machine may be busy

Open = Callable[[], Application]
