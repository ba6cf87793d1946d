"""The settings page with all its sections, each given what it shows."""

from app.engine_link.engine_preferences import EnginePreferences
from app.engine_link.title_writer import TitleWriter
from app.shortcuts import Shortcuts
from app.theme.theme import Theme
from app.views.message_field import MessageField
from app.views.settings.about_section import AboutSection
from app.views.settings.appearance_section import AppearanceSection
from app.views.settings.general_section import GeneralSection
from app.views.settings.log_section import LogSection
from app.views.settings.models_section import ModelsSection
from app.views.settings.privacy_section import PrivacySection
from app.views.settings.settings_page import SettingsPage
from app.views.settings.shortcuts_section import ShortcutsSection
from app.views.settings.storage_section import StorageSection
from app.views.window_settings import WindowSettings
from engine.contract.paths import Paths
from engine.contract.processes import source_root


def make_settings_page(
    *,
    settings: WindowSettings,
    preferences: EnginePreferences,
    shortcuts: Shortcuts,
    field: MessageField,
    titles: TitleWriter,
    paths: Paths,
    theme: Theme,
) -> SettingsPage:
    """A page whose sections are made when they are shown for the first time."""
    return SettingsPage(
        {
            "general": lambda: GeneralSection(settings, field, titles, theme),
            "appearance": lambda: AppearanceSection(theme),
            "models": lambda: ModelsSection(preferences, theme),
            "shortcuts": lambda: ShortcutsSection(shortcuts, theme),
            "privacy": lambda: PrivacySection(theme),
            "storage": lambda: StorageSection(paths, theme),
            "log": lambda: LogSection(paths.log, theme),
            "about": lambda: AboutSection(source_root(), theme),
        },
        theme,
    )
