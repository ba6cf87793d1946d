"""About: versions, and the licences of everything that is in Retort."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from PySide6.QtCore import qVersion
from PySide6.QtWidgets import QPlainTextEdit

from app.engine_link.update_check import UpdateCheck
from app.theme.theme import Theme
from app.translation import tr
from app.views.settings.section import Section
from app.views.settings.update_box import UpdateBox
from engine.contract.paths import public_address
from engine.contract.version import RETORT_VERSION


class AboutSection(Section):
    """Versions to name in a report, licences to read."""

    def __init__(self, root: Path, updates: UpdateCheck, theme: Theme) -> None:
        """`root` holds the notices and the licence."""
        super().__init__(tr("About"), theme)
        self.add_text(
            tr("Runs distilled, quantized and mixture-of-experts language models on your own computer.")
        )
        for name, number in (
            ("Retort", RETORT_VERSION),
            ("Python", platform.python_version()),
            ("Qt", qVersion()),
            ("llama-cpp-python", _version_of("llama-cpp-python")),
            (tr("System"), platform.platform()),
        ):
            shown = self.label(number, tone="secondary")
            self.add_row(name, "", shown)
        self.updates = UpdateBox(self, updates, is_possible=bool(public_address("releases")))
        self.add_heading(tr("Licences"))
        notices = QPlainTextEdit(self)
        notices.setReadOnly(True)
        notices.setAccessibleName(tr("Licences"))
        theme.give_font(notices, "code")
        notices.setMinimumHeight(theme.scaled(320))
        texts = (root / name for name in ("NOTICE.md", "LICENSE"))
        notices.setPlainText(
            "\n\n".join(path.read_text(encoding="utf-8") for path in texts if path.exists())
            or tr("The licence files are missing from this installation.")
        )
        self.add(notices)


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return tr("not installed")
