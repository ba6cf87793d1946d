"""The child that tries whether Qt can reach a display: `python -m app.display_probe`; it aborts where not."""

import sys

from PySide6.QtGui import QGuiApplication

if __name__ == "__main__":
    QGuiApplication(sys.argv[:1])
