"""What screen readers are told of a painted thing that has nothing within itself."""

from PySide6.QtCore import QObject
from PySide6.QtGui import QAccessible, QAccessibleInterface


class AccessibleLeaf(QAccessibleInterface):
    """Has no object of Qt's, no children, and no text that could be changed."""

    def object(self) -> QObject | None:  # type: ignore[override]  # the stubs forget None
        """No object of Qt's."""
        return None

    def setText(self, _kind: QAccessible.Text, _text: str) -> None:
        """Nothing can be changed."""

    def child(self, _index: int) -> QAccessibleInterface | None:  # type: ignore[override]  # the stubs forget None
        """There are none."""
        return None

    def childAt(self, _x: int, _y: int) -> QAccessibleInterface | None:  # type: ignore[override]  # the stubs forget None
        """There are none."""
        return None

    def childCount(self) -> int:
        """None."""
        return 0

    def indexOfChild(self, _child: QAccessibleInterface) -> int:
        """There are none."""
        return -1
