"""Everything a start or a test run needs, in order; what is done already is not looked at again."""

from __future__ import annotations

import os

from set_up.places import Places
from set_up.readiness import Wanted, is_ready
from set_up.stamp import read_stamp
from set_up.wheel_key import wheel_key


def prepare(places: Places, wanted: Wanted) -> None:
    """Make everything ready. Costs nothing when it is: the stamp says so."""
    key = wheel_key(places, os.environ)
    stamp = read_stamp(places)
    if stamp and is_ready(stamp, places, wanted, key):
        return
    from set_up.preparation import prepare_everything  # noqa: PLC0415 - half of a quick start's time

    prepare_everything(places, wanted, key)
