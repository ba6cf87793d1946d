"""A download as a bar: how far it is, in words below, with what can be done about it."""

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QMessageBox, QToolButton, QVBoxLayout, QWidget

from app.download_words import describe_download
from app.engine_link.download import Download
from app.engine_link.downloads import Downloads
from app.theme.theme import Theme
from app.translation import format_bytes, tr
from app.views.plain_label import plain_label

BAR_HEIGHT = 6
ASK_ABOVE_BYTES = 50 * 10**6


class DownloadBar(QWidget):
    """Follows one download; `go_on` is called for one that stands still: it may need the network's leave."""

    def __init__(
        self,
        download: Download,
        downloads: Downloads,
        go_on: Callable[[Download], None],
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._download = download
        self._downloads = downloads
        self._go_on = go_on
        self._theme = theme
        self._line = ProgressLine(theme, self)
        self._words = plain_label(self, theme, use="small", tone="secondary", wraps=True)
        self._pause = self._button()
        self._pause.clicked.connect(self._pause_or_go_on)
        self._stop = self._button()
        self._stop.clicked.connect(self._cancel)
        below = QHBoxLayout()
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(4)
        below.addWidget(self._words, 1)
        below.addWidget(self._pause, 0, Qt.AlignmentFlag.AlignTop)
        below.addWidget(self._stop, 0, Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._line)
        layout.addLayout(below)
        downloads.changed.connect(self._follow)
        theme.changed.connect(self._show)
        self._show()

    @property
    def download(self) -> Download:
        """The one that is followed."""
        return self._download

    @property
    def text(self) -> str:
        """What is said of it."""
        return self._words.text()

    def _follow(self, download: Download) -> None:
        if download is self._download:
            self._show()

    def _pause_or_go_on(self) -> None:
        one = self._download
        if one.is_active and not one.is_pausing:
            self._downloads.pause(one)
        elif one.is_active:
            self._downloads.go_on(one, online=False)  # what was allowed for it holds
        else:
            self._go_on(one)

    def _cancel(self) -> None:
        """What took long to arrive is not deleted by a stray click."""
        one = self._download
        size = format_bytes(one.done_bytes or one.total_bytes)
        title = one.wanted.title
        is_much = one.done_bytes > ASK_ABOVE_BYTES or one.phase == "kept"
        if is_much and one.phase != "done":
            question = tr("Cancel {title} and delete what has arrived ({size})?", title=title, size=size)
            box = QMessageBox(QMessageBox.Icon.Warning, "Retort", question, parent=self.window())
            delete = box.addButton(tr("Delete"), QMessageBox.ButtonRole.DestructiveRole)
            box.setDefaultButton(box.addButton(tr("Keep it"), QMessageBox.ButtonRole.RejectRole))
            box.exec()
            if box.clickedButton() is not delete:
                return
        self._downloads.cancel(one)

    def _show(self) -> None:
        one, tokens, title = self._download, self._theme.tokens, self._download.wanted.title
        words = describe_download(one)
        self._words.setText(words)
        self._words.setProperty("tone", "bad" if one.phase == "failed" else "secondary")
        self._words.style().unpolish(self._words)
        self._words.style().polish(self._words)
        self._line.show_fraction(one.fraction, is_moving=one.is_active and not one.is_pausing)
        self._line.setVisible(one.phase not in ("done", "failed"))
        self._line.setAccessibleName(tr("Download of {title}", title=title))
        self._line.setAccessibleDescription(words)
        runs = one.is_active and not one.is_pausing
        if runs:
            name, icon = tr("Pause {title}", title=title), "pause"
        elif one.phase == "failed":
            name, icon = tr("Try {title} again", title=title), "regenerate"
        else:
            name, icon = tr("Go on with {title}", title=title), "resume"
        self._dress(self._pause, name, icon)
        self._pause.setVisible(one.phase not in ("done", "verifying"))
        is_over = one.phase == "done"
        stop = tr("Take {title} off the list", title=title) if is_over else tr("Cancel {title}", title=title)
        self._dress(self._stop, stop, "close")
        self._pause.setIcon(self._theme.icons.icon(icon, tokens.text))

    def _dress(self, button: QToolButton, name: str, icon: str) -> None:
        button.setAccessibleName(name)
        button.setToolTip(name)
        button.setIcon(self._theme.icons.icon(icon, self._theme.tokens.secondary))

    def _button(self) -> QToolButton:
        button = QToolButton(self)
        button.setIconSize(QSize(16, 16))
        return button


class ProgressLine(QWidget):
    """A thin bar that is filled from the left."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._fraction = 0.0
        self._is_moving = True
        self.setFixedHeight(BAR_HEIGHT)

    def show_fraction(self, fraction: float, *, is_moving: bool) -> None:
        """Fill so much of it; what stands still is pale."""
        if (fraction, is_moving) != (self._fraction, self._is_moving):
            self._fraction, self._is_moving = fraction, is_moving
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the bar."""
        tokens = self._theme.tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        radius = self.height() / 2
        painter.setBrush(QColor(tokens.line))
        painter.drawRoundedRect(QRectF(self.rect()), radius, radius)
        if self._fraction > 0:
            width = max(self.width() * self._fraction, self.height())
            painter.setBrush(QColor(tokens.accent if self._is_moving else tokens.secondary))
            painter.drawRoundedRect(QRectF(0, 0, width, self.height()), radius, radius)
        painter.end()
