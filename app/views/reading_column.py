"""A column that never becomes wider than can be read, at the side where reading begins."""

from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QWidget


def show_column(area: QScrollArea, column: QWidget) -> None:
    """Put a column into an area that scrolls; what is beyond the column's maximum width stays empty."""
    outside = QWidget(area)
    across = QHBoxLayout(outside)
    across.setContentsMargins(0, 0, 0, 0)
    across.addWidget(column, 1000)
    across.addStretch(1)
    area.setWidget(outside)
