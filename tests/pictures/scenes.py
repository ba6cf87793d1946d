"""What is to be seen in each picture: each scene puts a window into its state, and takes it back."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from app.application import Application
from app.chat_view.inline_text import Link
from app.chat_view.message_menu import make_menu
from app.conversations.message import Attachment, Draft
from app.engine_link.tuning import Tuned
from app.views.crash_dialog import CrashDialog
from app.views.settings.settings_page import SECTIONS
from app.views.shortcut_sheet import ShortcutSheet
from engine.contract.bin_messages import BinnedModel
from engine.contract.elsewhere_messages import ElsewhereModel, OtherApplication
from engine.contract.fit_messages import DeviceMemory
from engine.contract.pack_messages import PacksListed
from engine.contract.packs import EnginePack, PackReport
from engine.contract.params import LoadParams
from engine.contract.tuning_messages import SpeedChange, SpeedNotice, TuneProgress
from engine.contract.unfinished_messages import UnfinishedDownload
from tests.support.example_tuning import example_result

STREAMING = (
    "fake:rate=80,tokens=4000,text=## An answer that arrives\n\n"
    "It has **bold** words and `code` in it.\n\n- one point\n- another point\n\n"
)
WAIT_S = 60.0


class Stage:
    """A whole application with the example conversations."""

    def __init__(self, application: Application, ids: dict[str, str], folder: Path) -> None:
        """`ids` are those of the conversations by their names here; scenes may write into `folder`."""
        self.application = application
        self.ids = ids
        self.folder = folder
        self.window = application.window
        self.workings = application.workings

    def open(self, name: str) -> None:
        """Show an example conversation at its end."""
        self.window.show_chat()
        self.workings.open_conversation(self.ids[name])
        self.workings.chat_view.jump_to_end()

    def settle(self) -> None:
        """Wait until nothing moves any more."""
        QTest.qWait(60)
        view, shown_chat = self.workings.chat_view, self.workings.shown
        wait_until(lambda: not view.idle.is_busy or shown_chat.session.is_answering)
        QTest.qWait(30)


def wait_until(is_ready: Callable[[], bool]) -> None:
    """Wait until something is true; raises TimeoutError where it never is."""
    deadline = time.monotonic() + WAIT_S
    while not is_ready():
        if time.monotonic() > deadline:
            raise TimeoutError("a scene did not become ready")
        QTest.qWait(10)


Shown = Iterator[QWidget]  # the widget that the picture is of


def welcome(stage: Stage) -> Shown:
    """An empty chat."""
    stage.window.show_chat()
    stage.workings.shown.show(stage.workings.sessions.new())
    yield stage.window


def chat(stage: Stage) -> Shown:
    """Every kind of block, from the top."""
    stage.open("softmax")
    stage.workings.chat_view.keeper.begin_at(0)
    view = stage.workings.chat_view
    view.hover(1)
    yield stage.window
    view.hover(None)


def chat_end(stage: Stage) -> Shown:
    """The end of an answer, with its figures and buttons; the reasoning is open."""
    stage.open("softmax")
    view = stage.workings.chat_view
    view.toggle_reasoning(1)
    view.jump_to_end()
    view.hover(1)
    yield stage.window
    view.toggle_reasoning(1)
    view.hover(None)


def long_chat(stage: Stage) -> Shown:
    """The middle of a long conversation, with the way to its end."""
    stage.open("long")
    stage.workings.chat_view.keeper.begin_at(120)
    yield stage.window


def find(stage: Stage) -> Shown:
    """Words that are looked for in the conversation."""
    stage.open("softmax")
    control = stage.workings.chat_view.find_control
    control.open()
    control.bar.field.setText("temperature")
    yield stage.window
    control.close()


def streaming(stage: Stage) -> Shown:
    """An answer that arrives."""
    workings = stage.workings
    workings.choice.choose(STREAMING)
    wait_until(lambda: workings.choice.loaded is not None)
    workings.shown.show(workings.sessions.new())
    workings.shown.send("Tell me more about it.")
    session = workings.shown.session
    wait_until(lambda: len(session.conversation.path()[-1].text) > 160)
    yield stage.window
    workings.shown.stop()
    wait_until(lambda: not session.is_answering)
    workings.delete_conversation(session.conversation.id)
    stage.window.page.notice.hide()
    workings.choice.choose("builtin")
    wait_until(lambda: workings.choice.loaded is not None)


def failed(stage: Stage) -> Shown:
    """An answer that broke off, and what to do about it."""
    stage.open("failed")
    yield stage.window


def refused(stage: Stage) -> Shown:
    """A model file that cannot be opened."""
    stage.open("softmax")
    damaged = stage.folder / "damaged.gguf"
    damaged.write_bytes(b"GGUF" + b"\xff" * 4096)
    stage.workings.open_model(str(damaged))
    wait_until(lambda: bool(stage.window.page.notice.text))
    yield stage.window
    stage.window.page.notice.hide()


def editing(stage: Stage) -> Shown:
    """Another version of a question is written, with a file and a long paste."""
    stage.open("softmax")
    shown = stage.workings.shown
    shown.edit(shown.session.conversation.path()[0].id)
    attachments = (
        Attachment(name="measurements-of-the-whole-year.csv", text="a,b\n" * 900, size_bytes=3600),
        Attachment(name="Pasted text", text="long " * 1000, size_bytes=5000),
    )
    stage.window.page.composer.draft = Draft(
        text="Explain softmax again,\nand say why the maximum is subtracted first.", attachments=attachments
    )
    yield stage.window
    shown.cancel_edit()


def too_long(stage: Stage) -> Shown:
    """The context is full: what no longer fits is dimmed, and the user is asked."""
    stage.open("long")
    stage.window.page.composer.text = "And one question more."
    stage.window.page.composer.field.submitted.emit()
    stage.workings.chat_view.keeper.begin_at(150)
    yield stage.window
    stage.window.page.notice.hide()
    stage.window.page.composer.text = ""


def deleted(stage: Stage) -> Shown:
    """A chat has just been deleted."""
    stage.open("failed")
    stage.workings.delete_conversation(stage.ids["failed"])
    yield stage.window
    stage.workings.sessions.restore(stage.ids["failed"])
    stage.window.page.notice.hide()


def panel(stage: Stage) -> Shown:
    """The settings of one chat."""
    stage.open("softmax")
    stage.window.frame.set_open(True)
    yield stage.window
    stage.window.frame.set_open(False)


def panel_end(stage: Stage) -> Shown:
    """The same panel, scrolled down."""
    stage.open("softmax")
    stage.window.frame.set_open(True)
    bar = stage.workings.panel.verticalScrollBar()
    QTest.qWait(30)
    bar.setValue(bar.maximum())
    yield stage.window
    bar.setValue(0)
    stage.window.frame.set_open(False)


def search(stage: Stage) -> Shown:
    """Results of a search in the sidebar."""
    stage.open("softmax")
    stage.window.commands["search"].trigger()
    field = stage.window.sidebar.search
    field.setText("softmax")
    QTest.qWait(400)
    yield stage.window
    field.clear()
    stage.window.sidebar.show_list()
    stage.window.sidebar_frame.leave()


def nothing_found(stage: Stage) -> Shown:
    """A search without results."""
    stage.open("softmax")
    stage.window.commands["search"].trigger()
    field = stage.window.sidebar.search
    field.setText("zzzz")
    QTest.qWait(400)
    yield stage.window
    field.clear()
    stage.window.sidebar.show_list()
    stage.window.sidebar_frame.leave()


def rubbish(stage: Stage) -> Shown:
    """The bin."""
    stage.open("softmax")
    if not stage.window.shows_sidebar:
        stage.window.toggle_sidebar()
    stage.window.sidebar.bin_requested.emit()
    QTest.qWait(100)
    yield stage.window
    stage.window.sidebar.show_list()
    stage.window.sidebar_frame.leave()


def _page(request: str) -> Callable[[Stage], Shown]:
    """A page that stands in the place of the chat."""

    def show(stage: Stage) -> Shown:
        getattr(stage.window, request).emit()
        QTest.qWait(500)  # it asks the engine what there is
        yield stage.window
        stage.window.show_chat()

    return show


def stock(stage: Stage) -> Shown:
    """The library with what lies beside it."""
    stage.window.library_requested.emit()
    page = stage.workings.model_pages.library_page
    QTest.qWait(500)
    beside = stage.workings.model_pages.stock
    found: tuple[tuple[OtherApplication, str, int], ...] = (
        ("lm-studio", "lmstudio-community/Qwen3-30B-A3B-GGUF/Qwen3-30B-A3B-Q4_K_M", 18_600_000_000),
        ("ollama", "ollama/gemma-4-e4b", 5_100_000_000),
    )
    beside.elsewhere = tuple(
        ElsewhereModel(application=one, name=name, path=name, format="gguf", size_bytes=size)
        for one, name, size in found
    )
    beside.unfinished = (
        UnfinishedDownload(
            file="a.part", model="unsloth/GLM-4.7-Flash-GGUF/GLM-4.7-Flash-Q4_K_M.gguf",
            arrived_bytes=7 * 10**9, size_bytes=18 * 10**9, disk_bytes=7 * 10**9,
            changed_at=time.time(), is_active=False,
        ),
    )  # fmt: skip
    beside.binned = (
        BinnedModel(entry="e", name="local/old-Q8_0", removed_at=1.0, size_bytes=8 * 10**9, days_left=29.2),
    )
    beside.changed.emit()
    for shelf in page.stock.shelves:
        shelf.head.setChecked(True)
    QTest.qWait(100)
    yield stage.window
    beside.elsewhere, beside.unfinished, beside.binned = (), (), ()
    beside.changed.emit()
    stage.window.show_chat()


def experts(stage: Stage) -> Shown:
    """Which experts the answers used."""
    stage.open("softmax")
    stage.workings.experts.open()
    view = stage.workings.experts.view
    assert view is not None
    view.resize(stage.window.size().boundedTo(view.size()))
    yield view
    view.close()


def models(stage: Stage) -> Shown:
    """The models to choose from."""
    stage.open("softmax")
    popup = stage.window.picker.make_popup()
    popup.show()
    yield popup
    popup.close()


def message_menu(stage: Stage) -> Shown:
    """What can be done with an answer."""
    stage.open("softmax")
    menu = make_menu(stage.workings.chat_view, 1)
    menu.show()
    yield menu
    menu.close()


def window_menu(stage: Stage) -> Shown:
    """Every command."""
    stage.window.menu.show()
    yield stage.window.menu
    stage.window.menu.close()


def shortcuts(stage: Stage) -> Shown:
    """The sheet of keys."""
    yield from _dialog(
        stage, ShortcutSheet(stage.window.commands.shortcuts, stage.application.theme, stage.window)
    )


def link(stage: Stage) -> Shown:
    """The question before a link that may not be what it seems."""
    stage.open("softmax")
    stage.workings.chat_view.follow_link(Link(0, 4, "https://xn--80ak6aa92e.com/login"), "apple.com")
    QTest.qWait(50)
    dialog = next(one for one in stage.window.findChildren(QDialog) if one.isVisible())
    yield dialog
    dialog.reject()


def reader(stage: Stage) -> Shown:
    """An answer as plain text."""
    stage.open("softmax")
    shown = stage.workings.chat_view.open_reader(1)
    yield shown
    shown.reject()


def crash(stage: Stage) -> Shown:
    """The report of an unexpected end."""
    report = stage.folder / "crash.txt"
    report.write_text("Retort ended unexpectedly.\n\nstarted   2026-11-22 10:00:00\n" + "a line\n" * 40)
    yield from _dialog(stage, CrashDialog(report, stage.application.theme, stage.window))


def _dialog(stage: Stage, dialog: QDialog) -> Shown:
    dialog.resize(dialog.size().boundedTo(stage.window.size()))
    dialog.open()
    yield dialog
    dialog.reject()
    dialog.deleteLater()


def engine_packs(stage: Stage) -> Shown:
    """Engine packs of every state: in use, passed, failed."""
    stage.window.settings_requested.emit("engine")
    packs = stage.workings.engine.packs
    QTest.qWait(500)
    before = packs.listed
    card = DeviceMemory(
        name="Vulkan0",
        is_gpu=True,
        free_bytes=7 * 10**9,
        total_bytes=8 * 10**9,
        description="GeForce RTX 4060",
    )
    said = PackReport(problem="", devices=(card,), decode_tps=812.0)
    packs.listed = PacksListed(
        request_id="",
        packs=(
            EnginePack(id="builtin", kind="cpu", size_bytes=0, is_used=False),
            EnginePack(
                id="vulkan-0c1e570-3f9a2b71", kind="vulkan", size_bytes=31 * 10**6, is_used=True, report=said
            ),
            EnginePack(
                id="cuda-0c1e570-99ab01c2",
                kind="cuda",
                size_bytes=412 * 10**6,
                is_used=False,
                problem="the worker ended with an abort: GGML_ASSERT(device < info.device_count) failed",
            ),
        ),
        before="builtin",
    )
    packs.changed.emit()
    QTest.qWait(50)
    yield stage.window
    packs.listed = before
    packs.changed.emit()
    stage.window.show_chat()


def slow(stage: Stage) -> Shown:
    """The banner of a model that left its graphics card."""
    stage.open("softmax")
    changes = (
        SpeedChange(what="engine", before="llama 0.3.36 with vulkan-0c1e570-3f9a2b71", now="llama 0.3.36"),
        SpeedChange(what="driver", before="nvidia 580.95", now="nvidia 581.02"),
    )
    notice = SpeedNotice(
        request_id="", model="Qwen3-30B-A3B", left_gpu=True, good_tps=42.7, decode_tps=6.1, changes=changes
    )
    stage.workings.engine.tell_speed(notice)
    yield stage.window
    stage.window.banner.hide()


def tuning(stage: Stage) -> Shown:
    """A search for settings that is going on, in the side panel."""
    stage.open("softmax")
    stage.window.frame.set_open(True)
    search = stage.workings.engine.tuning
    load = LoadParams(threads=6, batch_size=1024)
    step = TuneProgress(request_id="", load=load, axis="batch size", share=0.4, gain=0.06)
    search.show("builtin", Tuned(is_running=True, step=step, best=step))
    bar = stage.workings.panel.verticalScrollBar()
    QTest.qWait(30)
    bar.setValue(bar.maximum())
    yield stage.window
    search.show("builtin", Tuned())
    bar.setValue(0)
    stage.window.frame.set_open(False)


def tuned(stage: Stage) -> Shown:
    """What a search found."""
    control = stage.workings.engine.tune
    stage.workings.engine.tuning.show("builtin", Tuned(example_result(), "the engine was another"))
    control.show_results("builtin")
    dialog = control.dialog
    assert dialog is not None
    dialog.resize(dialog.size().boundedTo(stage.window.size()))
    QTest.qWait(30)
    yield dialog
    dialog.reject()
    stage.workings.engine.tuning.show("builtin", Tuned())


def _section(section_id: str) -> Callable[[Stage], Shown]:
    def show(stage: Stage) -> Shown:
        stage.window.settings_requested.emit(section_id)
        yield stage.window
        stage.window.show_chat()

    return show


SCENES: dict[str, Callable[[Stage], Shown]] = {
    "welcome": welcome, "chat": chat, "chat-end": chat_end, "long-chat": long_chat, "find": find,
    "streaming": streaming, "failed": failed, "refused": refused, "editing": editing,
    "too-long": too_long, "deleted": deleted, "panel": panel, "panel-end": panel_end, "search": search,
    "nothing-found": nothing_found, "bin": rubbish, "experts": experts, "models": models,
    "message-menu": message_menu, "window-menu": window_menu, "shortcuts": shortcuts, "link": link,
    "reader": reader, "crash": crash,
    "engine-packs": engine_packs, "slow": slow, "tuning": tuning, "tuned": tuned,
    "library": _page("library_requested"), "library-stock": stock, "hub": _page("hub_requested"),
    "workbench": _page("workbench_requested"),
    **{f"settings-{section_id}": _section(section_id) for section_id in SECTIONS},
}  # fmt: skip


@contextmanager
def shown(stage: Stage, name: str) -> Iterator[QWidget]:
    """Play a scene; the widget is ready to be grabbed inside the block."""
    scene = SCENES[name](stage)
    widget = next(scene)
    stage.settle()
    try:
        yield widget
    finally:
        next(scene, None)
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
