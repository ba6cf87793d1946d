import time

from pytestqt.qtbot import QtBot

from app.chat_view.coalescer import Coalescer


def test_many_requests_within_a_frame_make_one_flush(qtbot: QtBot) -> None:
    coalescer = Coalescer()
    flushes: list[float] = []
    coalescer.due.connect(lambda: flushes.append(time.monotonic()))
    for _ in range(100):
        coalescer.request()
    qtbot.waitUntil(lambda: bool(flushes), timeout=20_000)
    qtbot.wait(60)
    assert len(flushes) == 1


def test_slow_flushes_come_less_often(qtbot: QtBot) -> None:
    coalescer = Coalescer()
    starts: list[float] = []

    def flush() -> None:
        starts.append(time.monotonic())
        time.sleep(0.02)
        if len(starts) < 4:
            coalescer.request()

    coalescer.due.connect(flush)
    coalescer.request()
    qtbot.waitUntil(lambda: len(starts) == 4, timeout=20_000)
    assert starts[3] - starts[2] >= 0.06  # 20 ms of work leave at least three times as much for the rest


def test_what_waits_can_be_flushed_at_once(qtbot: QtBot) -> None:
    coalescer = Coalescer()
    coalescer.request()
    with qtbot.waitSignal(coalescer.due, timeout=0):
        coalescer.flush_now()
    with qtbot.assertNotEmitted(coalescer.due):
        coalescer.flush_now()
