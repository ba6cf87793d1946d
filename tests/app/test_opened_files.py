from pathlib import Path

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.application import build
from app.opened_files import OpenedFiles
from engine.contract.paths import Paths
from tests.support.window import WAIT_MS


def test_a_file_that_the_desktop_hands_over_is_told(tmp_path: Path, qapp: QApplication) -> None:
    opened: list[str] = []
    watch = OpenedFiles(qapp)
    watch.opened.connect(opened.append)
    path = str(tmp_path / "ein großes Modell.gguf")
    QApplication.sendEvent(qapp, QFileOpenEvent(path))
    QApplication.sendEvent(qapp, QFileOpenEvent(QUrl.fromLocalFile(path)))
    QApplication.sendEvent(qapp, QFileOpenEvent(QUrl("retort://no-file")))
    assert opened == [path, path]
    qapp.removeEventFilter(watch)
    watch.deleteLater()


@pytest.mark.slow
def test_a_file_opened_before_the_window_is_complete_is_opened_then(
    paths: Paths, damaged_model: Path, qapp: QApplication, qtbot: QtBot
) -> None:
    application = build(paths, qapp)
    application.come_forward(str(damaged_model))
    assert not application.is_complete
    application.show()
    notice = application.window.page.notice
    qtbot.waitUntil(lambda: "damaged.gguf" in notice.text, timeout=WAIT_MS)
    application.close()
    application.window.deleteLater()
