"""Takes a picture of every page of the window, so that somebody can look at them.

    python -m tests.pictures.take FOLDER [--scenes chat panel] [--sizes narrow wide] [--themes dark]
        [--scale 2] [--language de] [--text 200] [--contrast high] [--sheet]

`--sheet` puts the pictures of each size and theme on sheets beside each other, which is quicker to look at.
"""

import argparse
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from engine.contract.paths import Paths

if TYPE_CHECKING:
    from PySide6.QtGui import QPixmap

SIZES = {"narrow": (480, 720), "least": (420, 420), "normal": (1200, 820), "wide": (1900, 1000)}
SHEET_WIDTH = 2400  # dots
GAP = 12


def main() -> None:
    """Start the application on folders of its own and go through the scenes."""
    options = _options()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["QT_SCALE_FACTOR"] = options.scale
    with tempfile.TemporaryDirectory() as home:
        os.environ["RETORT_HOME"] = home
        _take(options, Path(home))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scenes", nargs="*", default=[])
    parser.add_argument("--sizes", nargs="*", choices=SIZES, default=["narrow", "normal"])
    parser.add_argument("--themes", nargs="*", choices=["light", "dark"], default=["light", "dark"])
    parser.add_argument("--scale", default="1")
    parser.add_argument("--language", default="en")
    parser.add_argument("--text", type=int, default=100)
    parser.add_argument("--contrast", default="normal")
    parser.add_argument("--sheet", action="store_true")
    return parser.parse_args()


def _take(options: argparse.Namespace, home: Path) -> None:
    # Qt reads the environment when it is first imported
    from PySide6.QtGui import QPixmap  # noqa: PLC0415
    from PySide6.QtWidgets import QApplication  # noqa: PLC0415

    from app.application import build  # noqa: PLC0415
    from app.conversations.store import ConversationStore  # noqa: PLC0415
    from app.views.window_settings import WindowSettings  # noqa: PLC0415
    from tests.pictures.example_chats import fill  # noqa: PLC0415
    from tests.pictures.scenes import SCENES, Stage, shown, wait_until  # noqa: PLC0415

    qt = QApplication(["retort"])
    paths = Paths.from_environment()
    paths.ensure()
    store = ConversationStore(paths.conversations)
    ids = fill(store)
    store.close()
    settings = WindowSettings(paths.config / "window.ini")
    settings.language, settings.contrast, settings.font_scale = (
        options.language,
        options.contrast,
        options.text,
    )
    settings.sync()
    application = build(paths, qt)
    application.show()
    wait_until(lambda: application.is_complete)
    stage = Stage(application, ids, home)
    wait_until(lambda: application.workings.choice.loaded is not None)
    options.folder.mkdir(parents=True, exist_ok=True)
    try:
        for size in options.sizes:
            application.window.resize(*SIZES[size])
            sheets: dict[str, list[QPixmap]] = {theme: [] for theme in options.themes}
            for name in options.scenes or SCENES:
                with shown(stage, name) as widget:
                    for theme in options.themes:
                        application.theme.choose(theme)
                        stage.settle()
                        picture = widget.grab()
                        sheets[theme].append(picture)
                        if not options.sheet:
                            picture.save(str(options.folder / f"{name}-{size}-{theme}.png"))
            if options.sheet:
                for theme, pictures in sheets.items():
                    _save_sheet(pictures, options.folder / f"sheet-{size}-{theme}.png")
    finally:
        application.close()


def _save_sheet(pictures: "list[QPixmap]", path: Path) -> None:
    from PySide6.QtCore import Qt  # noqa: PLC0415
    from PySide6.QtGui import QPainter, QPixmap  # noqa: PLC0415

    places, x, y, row_height = [], 0, 0, 0
    for picture in pictures:
        if x and x + picture.width() > SHEET_WIDTH:
            x, y, row_height = 0, y + row_height + GAP, 0
        places.append((x, y))
        x += picture.width() + GAP
        row_height = max(row_height, picture.height())
    sheet = QPixmap(SHEET_WIDTH, y + row_height)
    sheet.fill(Qt.GlobalColor.magenta)
    painter = QPainter(sheet)
    for picture, (left, top) in zip(pictures, places, strict=True):
        painter.drawPixmap(left, top, picture.width(), picture.height(), picture)
    painter.end()
    sheet.save(str(path))


if __name__ == "__main__":
    main()
