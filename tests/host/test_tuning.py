"""A search for settings, asked of a host: in a process of its own, told step by step, kept, cancelled."""

import psutil
import pytest

from engine.contract.errors import InvalidRequest
from engine.contract.messages import CancelRequest, ErrorEvent, FinishedEvent
from engine.contract.paths import Paths
from engine.contract.tuning_messages import TuneDone, TunedRequest, TunedTold, TuneProgress, TuneRequest
from tests.support.host_recorder import HostRecorder, wait_until_no_worker_is_left


def told(host: HostRecorder, request_id: str) -> TunedTold:
    host.submit(TunedRequest(request_id=request_id, model="builtin"))
    event = host.wait_for(lambda e: isinstance(e, TunedTold) and e.request_id == request_id)
    assert isinstance(event, TunedTold)
    return event


@pytest.mark.llama
def test_a_search_tells_its_steps_and_its_result_is_kept(host: HostRecorder) -> None:
    assert told(host, "before").tuned is None
    host.submit(TuneRequest(request_id="tune", model="builtin", seconds=1))
    host.submit(TuneRequest(request_id="another", model="builtin", seconds=1))
    refused = host.end_of("another")
    assert isinstance(refused, ErrorEvent)
    assert refused.code == InvalidRequest.code
    done = host.wait_for(lambda e: isinstance(e, TuneDone | ErrorEvent) and e.request_id == "tune")
    assert isinstance(done, TuneDone), done
    assert done.tuned.rows[0].trial.decode_tps > 0
    after = told(host, "after")
    assert (after.tuned, after.stale_because) == (done.tuned, "")
    assert not list(Paths.from_environment().job_files.iterdir())


@pytest.mark.llama
def test_a_cancelled_search_ends_at_once_with_its_workers_and_keeps_nothing(host: HostRecorder) -> None:
    host.submit(TuneRequest(request_id="tune", model="builtin", seconds=600))
    host.wait_for(lambda e: isinstance(e, TuneProgress))
    below = psutil.Process().children(recursive=True)
    assert len(below) >= 2  # the search and its workers
    host.submit(CancelRequest(request_id="tune"))
    end = host.end_of("tune")
    assert isinstance(end, FinishedEvent)
    assert end.reason == "cancelled"
    wait_until_no_worker_is_left()
    assert not psutil.wait_procs(below, timeout=10)[1]
    assert told(host, "after").tuned is None
    assert not list(Paths.from_environment().job_files.iterdir())


def test_a_time_in_which_nothing_can_be_measured_is_refused() -> None:
    with pytest.raises(ValueError, match="seconds must be"):
        TuneRequest(request_id="t", model="builtin", seconds=0)
    assert TuneRequest(request_id="t", model="builtin").seconds > 10
