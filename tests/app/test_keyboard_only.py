"""The window by keyboard alone: from the first message to the settings, no mouse and no direct call."""

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.application import Application
from app.chat_view.chat_view import ChatView
from app.conversations.message import ConversationHeader
from app.views.model_popup import ModelPopup
from app.views.settings.settings_page import SECTIONS, SettingsPage
from app.views.shortcut_sheet import ShortcutSheet
from tests.support.keyboard import CTRL, SHIFT, Key, Keyboard
from tests.support.window import answer, use, wait_for_text

pytestmark = pytest.mark.slow
MODEL = "fake:rate=100,tokens=150,text=distilled water and words "


@pytest.fixture
def keys(application: Application, qtbot: QtBot) -> Keyboard:
    """A keyboard before a window that was just opened; the model is there for its speed only."""
    use(application, qtbot, MODEL)
    return Keyboard(qtbot)


def texts(application: Application) -> list[str]:
    return [message.text for message in application.workings.shown.session.conversation.path()]


def say(application: Application, keys: Keyboard, text: str) -> None:
    """Type and send, and wait for the answer's end."""
    keys.type(text)
    keys.press(Key.Key_Return)
    session = application.workings.shown.session
    assert session.is_answering
    keys.wait(lambda: not session.is_answering)


def title(application: Application) -> str:
    return application.workings.shown.session.conversation.header.title


def test_ask_stop_begin_anew_search_and_open_what_was_found(
    application: Application, keys: Keyboard, qtbot: QtBot
) -> None:
    assert keys.at == "Message"  # at the start there is nothing to look for
    keys.type("How does a still work?")
    keys.press(Key.Key_Return)
    wait_for_text(application, qtbot)
    keys.press(Key.Key_Escape)
    keys.wait(lambda: not application.workings.shown.session.is_answering)
    assert answer(application).stats.finish_reason == "cancelled"
    first = application.workings.shown.conversation_id
    keys.press(Key.Key_N, CTRL)
    assert keys.at == "Message"
    say(application, keys, "Who are you?")
    assert application.workings.shown.conversation_id != first
    keys.press(Key.Key_K, CTRL)
    assert keys.at == "Search chats"
    keys.type("still")
    keys.wait(lambda: application.workings.search_results.rowCount() > 0)
    keys.press(Key.Key_Down)
    assert keys.at == "Search results"
    keys.press(Key.Key_Return)
    assert application.workings.shown.conversation_id == first
    assert keys.at == "Message"


def test_edit_a_question_go_between_versions_ask_again_and_copy(
    application: Application, keys: Keyboard
) -> None:
    say(application, keys, "First question")
    keys.tab_to("Conversation", back=True)
    keys.press(Key.Key_Up, times=2)
    keys.press(Key.Key_Return)
    keys.choose("Edit")
    assert keys.at == "Message"
    say(application, keys, ", said otherwise")
    assert texts(application)[0] == "First question, said otherwise"
    keys.tab_to("Conversation", back=True)
    keys.press(Key.Key_Up, times=2)
    keys.tab_to("Previous version")
    keys.press(Key.Key_Space)
    assert texts(application)[0] == "First question"
    keys.tab_to("Conversation", back=True)
    keys.press(Key.Key_End)
    keys.press(Key.Key_Up)
    keys.press(Key.Key_Return)
    keys.choose("Regenerate")
    session = application.workings.shown.session
    keys.wait(lambda: not session.is_answering)
    assert len(session.conversation.siblings(session.conversation.path()[-1].id)) == 2
    keys.tab_to("Conversation", back=True)
    keys.press(Key.Key_Up, times=2)
    keys.press(Key.Key_C, CTRL)
    assert QApplication.clipboard().text() == "First question"


@pytest.mark.llama
def test_ask_another_model_for_the_same_answer(application: Application, keys: Keyboard) -> None:
    say(application, keys, "Question")
    keys.tab_to("Conversation", back=True)
    keys.press(Key.Key_Up)
    keys.press(Key.Key_Return)
    builtin = application.workings.library.find("builtin")
    assert builtin is not None
    assert builtin.info is not None
    keys.choose("Answer again with", f"Built-in model  {builtin.info.quantization}")
    session = application.workings.shown.session
    keys.wait(lambda: not session.is_answering)
    assert answer(application).model == "Built-in model"
    assert application.workings.choice.current == MODEL  # for this answer only
    assert len(session.conversation.siblings(answer(application).id)) == 2


def test_rename_pin_move_and_delete_a_chat_and_take_it_back(application: Application, keys: Keyboard) -> None:
    say(application, keys, "Question")
    kept = application.workings.shown.conversation_id

    def header() -> ConversationHeader:
        return application.workings.conversations.header(kept)

    keys.tab_to("Conversations")
    keys.press(Key.Key_F2)
    keys.type("Stills")
    keys.press(Key.Key_Return)
    assert header().title == "Stills"
    assert keys.at == "Conversations"
    keys.press_menu_key()
    keys.choose("Pin")
    assert header().is_pinned
    keys.press_menu_key()
    keys.choose("Move to folder", "New folder")
    keys.type("Chemistry")
    keys.press(Key.Key_Return)
    folder = application.workings.conversations.folders[0]
    assert (folder.name, header().folder_id) == ("Chemistry", folder.id)
    keys.press(Key.Key_Up)  # pinned chats stand above the folders
    keys.press(Key.Key_Delete)
    assert not application.workings.conversations.row_of(kept).isValid()
    keys.tab_to("Undo")
    keys.press(Key.Key_Space)
    assert application.workings.shown.conversation_id == kept
    assert application.workings.conversations.row_of(kept).isValid()


def test_take_a_chat_out_of_the_bin(application: Application, keys: Keyboard) -> None:
    say(application, keys, "Question")
    gone = application.workings.shown.conversation_id
    keys.tab_to("Conversations")
    keys.press(Key.Key_Delete)
    keys.wait(lambda: bool(application.workings.store.bin()))
    keys.tab_to("Bin")
    keys.press(Key.Key_Space)
    keys.press(Key.Key_Return)
    assert application.workings.shown.conversation_id == gone
    assert keys.at == "Message"


def test_choose_another_model(application: Application, keys: Keyboard) -> None:
    keys.press(Key.Key_M, CTRL)
    for _ in range(6):
        if keys.at.startswith("Built-in model"):
            break
        keys.press(Key.Key_Down)
    keys.press(Key.Key_Return)
    assert application.workings.choice.current == "builtin"
    keys.wait(lambda: application.window.findChild(ModelPopup) is None)
    assert keys.at == "Message"


def test_change_the_temperature_of_a_chat_and_set_it_back(application: Application, keys: Keyboard) -> None:
    settings = application.workings.chat_settings
    keys.press(Key.Key_Period, CTRL)
    keys.tab_to("Temperature")
    keys.press(Key.Key_A, CTRL)
    keys.type("0.3")
    keys.press(Key.Key_Return)
    assert settings.current.sampling["temperature"] == 0.3
    keys.tab_to("Default of “Temperature”")
    keys.press(Key.Key_Space)
    assert "temperature" not in settings.current.sampling
    assert keys.at == "Temperature"
    keys.press(Key.Key_Period, CTRL)
    assert keys.at == "Message"


def test_change_the_theme_and_the_language_and_set_them_back(
    application: Application, keys: Keyboard
) -> None:
    keys.press(Key.Key_Comma, CTRL)
    assert keys.at == "Sections"
    keys.tab_to("Language")
    before = application.settings.language
    keys.press(Key.Key_End)
    assert application.settings.language == "de"
    keys.press(Key.Key_Home)
    assert application.settings.language == before == ""
    keys.tab_to("Sections", back=True)
    keys.press(Key.Key_Down)
    assert _section(application) == "appearance"
    keys.tab_to("Theme")
    keys.press(Key.Key_End)
    assert str(application.settings.theme) == "dark"
    keys.press(Key.Key_Home)
    assert str(application.settings.theme) == "system"
    keys.press(Key.Key_Escape)
    assert application.window.shows_chat
    assert keys.at == "Message"


def _section(application: Application) -> str:
    page = application.window.findChild(SettingsPage)
    assert page is not None
    return page.section_id


def test_read_the_sheet_of_shortcuts_and_close_it(application: Application, keys: Keyboard) -> None:
    keys.press(Key.Key_Slash, CTRL)
    keys.wait(lambda: isinstance(QApplication.activeWindow(), ShortcutSheet))
    keys.press(Key.Key_Escape)
    keys.wait(lambda: application.window.findChild(ShortcutSheet) is None)
    application.window.activateWindow()  # as a window manager does
    keys.wait(application.window.isActiveWindow)
    assert keys.at == "Message"


def test_find_in_the_chat_and_come_back(application: Application, keys: Keyboard) -> None:
    say(application, keys, "First")
    keys.press(Key.Key_F, CTRL)
    assert keys.at == "Find in this chat"
    keys.type("water")
    finder = application.workings.chat_view.find_control.finder
    assert finder.count > 1
    first = finder.number
    keys.press(Key.Key_Return)
    assert finder.number == first + 1
    keys.press(Key.Key_Escape)
    assert not application.workings.chat_view.find_control.bar.isVisible()
    assert isinstance(keys.focus, ChatView)
    keys.type("typed anywhere")
    assert application.window.page.composer.text == "typed anywhere"


def stops(keys: Keyboard) -> list[QWidget]:
    """Where Tab leads until it comes back to where it began."""
    found: list[QWidget] = []
    while keys.focus not in found:
        found.append(keys.focus)
        keys.press(Key.Key_Tab)
    assert keys.focus is found[0], f"Tab is caught at {[stop.accessibleName() for stop in found]}"
    return found


def looks_focused(keys: Keyboard) -> bool:
    """Whether one can see that what has the focus has it."""
    focus, window = keys.focus, keys.focus.window()
    around = QRect(focus.mapTo(window, QPoint(0, 0)), focus.size()).adjusted(-24, -24, 24, 24)
    with_focus = window.grab(around).toImage()
    keys.press(Key.Key_Tab)
    without = window.grab(around).toImage()
    keys.press(Key.Key_Backtab, SHIFT)
    assert keys.focus is focus
    return with_focus != without


def test_tab_goes_through_the_chat_as_it_is_read_and_back(application: Application, keys: Keyboard) -> None:
    say(application, keys, "First")
    keys.press(Key.Key_Period, CTRL)
    keys.tab_to("Message")
    there = stops(keys)
    names = [stop.accessibleName() for stop in there]
    assert names[: names.index("System prompt")] == [
        "Message",
        "Attach text files",
        "Preset",
        "Save, rename or delete presets",
    ]
    assert names[names.index("Hide the conversations") :] == [
        "Hide the conversations",
        "More",
        "New chat",
        "Search chats",
        "Conversations",
        "Models",
        "Workbench",
        "Bin",
        "Model: Fake model",
        "Settings of this chat",
        "Menu",
        "Conversation",
        "Copy message",
        "Regenerate the answer",
        "Delete message",
        "More",
    ]
    assert all(stop.isVisible() for stop in there)
    back = [there[0]]
    for _ in there[1:]:
        keys.press(Key.Key_Backtab, SHIFT)
        back.append(keys.focus)
    assert back == [there[0], *reversed(there[1:])]


def test_one_can_see_where_the_focus_is(application: Application, keys: Keyboard) -> None:
    say(application, keys, "First")
    keys.press(Key.Key_Period, CTRL)
    unseen = []
    for stop in stops(keys):
        keys.tab_to(stop.accessibleName())
        if not looks_focused(keys):
            unseen.append(stop.accessibleName())
    assert unseen == []


def test_nothing_in_the_settings_keeps_the_focus(application: Application, keys: Keyboard) -> None:
    keys.press(Key.Key_Comma, CTRL)
    for section_id in SECTIONS:
        assert _section(application) == section_id
        keys.tab_to("Sections")
        page = application.window.findChild(SettingsPage)
        assert page is not None
        there = stops(keys)
        inside = [stop for stop in there if page.isAncestorOf(stop)]
        assert there[: len(inside) - 1] == inside[:-1], section_id  # no leap out of the page and back
        assert all(stop.isVisible() and stop.accessibleName() for stop in there)
        keys.press(Key.Key_Down)


@pytest.mark.llama
def test_plan_a_quantization_and_come_back(application: Application, keys: Keyboard) -> None:
    keys.press(Key.Key_B, CTRL | SHIFT)
    bench = application.workings.workbench.control
    assert keys.at == "Model on the workbench"
    keys.wait(lambda: bench.quantize.outcome is not None)
    keys.tab_to("Map of the model")
    keys.press(Key.Key_Right)
    assert bench.model.details.text() == bench.model.map.marks[bench.model.map.current].name
    keys.tab_to("What to do")
    keys.press(Key.Key_Right)  # over the tab that is for checkpoints
    assert not bench.importance.isHidden()
    keys.press(Key.Key_Left)
    keys.tab_to("Type")
    keys.press(Key.Key_Home)
    keys.wait(lambda: bench.quantize.outcome is not None)
    assert bench.quantize.outcome is not None
    assert "Q8_0" in bench.quantize.outcome.recipe
    keys.tab_to("Quantize")
    keys.tab_to("New chat")  # round and out again
    keys.tab_to("Back to the chat")
    keys.press(Key.Key_Space)
    assert keys.at == "Message"
