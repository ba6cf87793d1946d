from pathlib import Path

from PySide6.QtCore import QByteArray

from app.views.window_settings import WindowSettings


def test_what_was_set_is_there_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "window.ini"
    settings = WindowSettings(path)
    settings.geometry = QByteArray(b"somewhere")
    settings.theme, settings.model, settings.shows_sidebar = "dark", "/models/a.gguf", False
    settings.recent_models = ["/models/a.gguf", "/models/b, c.gguf"]
    settings.writes_titles = False
    settings.sync()
    again = WindowSettings(path)
    assert not again.writes_titles
    assert again.geometry == QByteArray(b"somewhere")
    assert (again.theme, again.model, again.shows_sidebar) == ("dark", "/models/a.gguf", False)
    assert again.recent_models == ["/models/a.gguf", "/models/b, c.gguf"]


def test_a_list_of_one_stays_a_list(tmp_path: Path) -> None:
    path = tmp_path / "window.ini"
    settings = WindowSettings(path)
    settings.recent_models = ["/models/a.gguf"]
    settings.sync()
    assert WindowSettings(path).recent_models == ["/models/a.gguf"]


def test_the_first_start_and_a_broken_file_give_the_defaults(tmp_path: Path) -> None:
    broken = tmp_path / "broken.ini"
    broken.write_text("[window]\ntheme=purple\nsidebar=?\ngeometry=12\n[model]\nrecent=\n", encoding="utf-8")
    for path in (tmp_path / "none.ini", broken):
        settings = WindowSettings(path)
        assert (settings.theme, settings.model, settings.recent_models) == ("system", "", [])
        assert settings.shows_sidebar
        assert settings.geometry.isEmpty()
