"""Checks of the ground the window stands on, made before anything is shown."""

import sys

from PySide6.QtCore import QObject, QTimer

_CALLS = 500


def find_faults() -> list[str]:
    """What is wrong with this installation, in words; an empty list means it can start.

    A PySide6 wheel made for another Python takes a reference from None, True or False with every call that
    returns one, and the program dies some thousand calls later in a place that says nothing.
    """
    faults = []
    probe, timer = QObject(), QTimer()
    for name, value, call in (
        ("None", None, lambda: probe.setObjectName("probe")),
        ("False", False, timer.isActive),
    ):
        before = sys.getrefcount(value)
        for _ in range(_CALLS):
            call()
        if before - sys.getrefcount(value) > _CALLS // 2:
            faults.append(f"PySide6 loses a reference to {name} with every call")
    return faults


def refusal(faults: list[str]) -> str:
    """The text for somebody whose installation cannot run."""
    listed = "; ".join(faults)
    return (
        f"Retort cannot start with this installation: {listed}. "
        f"Its PySide6 does not fit Python {sys.version_info.major}.{sys.version_info.minor}. "
        "Install Retort again from its package, or run run.py in its folder once more."
    )
