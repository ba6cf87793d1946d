"""How long a hub is waited for, whatever it does."""

import pytest

from engine.contract.errors import HubUnreachable
from engine.gateway.patience import Patience, Tries, TryAgain


def failures_until_given_up(tries: Tries, *, progresses: bool) -> int:
    """How often something can fail before it is given up."""
    for number in range(100_000):
        if progresses:
            tries.progressed()
        try:
            tries.failed(TryAgain("it breaks off"))
        except HubUnreachable:
            return number + 1
    raise AssertionError("it is tried for ever")


@pytest.mark.parametrize("progresses", [True, False])
def test_the_waiting_is_bounded_whether_something_arrives_or_not(progresses: bool) -> None:
    waited: list[float] = []
    patience = Patience()
    tries = Tries(patience, "hub", lambda seconds, _reason: waited.append(seconds))
    failures = failures_until_given_up(tries, progresses=progresses)
    assert sum(waited) <= patience.longest_wait_in_all_s
    assert failures == (1801 if progresses else patience.tries)


def test_what_the_hub_asks_for_is_waited_and_not_more_than_a_minute() -> None:
    waited: list[float] = []
    tries = Tries(Patience(), "hub", lambda seconds, _reason: waited.append(seconds))
    tries.failed(TryAgain("busy", 45.0))
    assert waited == [45.0]
    with pytest.raises(HubUnreachable, match="asks to wait for 10 minutes"):
        tries.failed(TryAgain("busy", 600.0))
