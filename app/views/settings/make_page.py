"""The settings page with all its sections, each given what it shows."""

from app.engine_link.components import Components
from app.engine_link.engine_client import EngineClient
from app.engine_link.engine_packs import EnginePacks
from app.engine_link.engine_preferences import EnginePreferences
from app.engine_link.model_library import ModelLibrary
from app.engine_link.network_gate import NetworkGate
from app.engine_link.network_history import NetworkHistory
from app.engine_link.title_writer import TitleWriter
from app.engine_link.update_check import UpdateCheck
from app.shortcuts import Shortcuts
from app.theme.theme import Theme
from app.views.message_field import MessageField
from app.views.settings.about_section import AboutSection
from app.views.settings.appearance_section import AppearanceSection
from app.views.settings.components_section import ComponentsSection
from app.views.settings.engine_section import EngineSection
from app.views.settings.general_section import GeneralSection
from app.views.settings.log_section import LogSection
from app.views.settings.models_section import ModelsSection
from app.views.settings.network_section import NetworkSection
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
    client: EngineClient,
    library: ModelLibrary,
    preferences: EnginePreferences,
    packs: EnginePacks,
    gate: NetworkGate,
    history: NetworkHistory,
    shortcuts: Shortcuts,
    field: MessageField,
    titles: TitleWriter,
    paths: Paths,
    theme: Theme,
) -> SettingsPage:
    """A page whose sections are made when they are shown for the first time."""
    components, updates = Components(client), UpdateCheck(client)
    components.installed.connect(library.refresh)
    page = SettingsPage(
        {
            "general": lambda: GeneralSection(settings, field, titles, theme),
            "appearance": lambda: AppearanceSection(theme),
            "models": lambda: ModelsSection(preferences, theme),
            "engine": lambda: EngineSection(packs, theme),
            "components": lambda: ComponentsSection(components, theme),
            "shortcuts": lambda: ShortcutsSection(shortcuts, theme),
            "privacy": lambda: PrivacySection(theme),
            "network": lambda: NetworkSection(gate, history, theme),
            "storage": lambda: StorageSection(paths, theme),
            "log": lambda: LogSection(paths.log, theme),
            "about": lambda: AboutSection(source_root(), updates, theme),
        },
        theme,
    )
    for link in (components, updates):
        link.setParent(page)
    return page
