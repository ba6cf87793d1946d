"""What the user does with conversations as wholes: folders, the bin, export and import."""

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog
from sqlcipher3 import dbapi2 as sqlite

from app.conversations.bin import BinEntry
from app.conversations.exchange import ExchangeError
from app.conversations.export import all_ids, file_name, write_json, write_markdown
from app.conversations.importing import read_file
from app.conversations.message import ConversationHeader, Folder
from app.conversations.store import ConversationStore
from app.engine_link.chat_sessions import ChatSessions
from app.engine_link.save_notices import SaveNotices
from app.lists.bin_list import BinList
from app.lists.conversation_list import ConversationList
from app.translation import mark, tr, tr_count
from app.views.bin_view import BinView
from app.views.conversation_view import ConversationView
from app.views.notice import Notice
from app.views.sidebar import Sidebar

JSON_FILES, MARKDOWN_FILES = mark("Chats (*.json)"), "Markdown (*.md)"


class ConversationActions(QObject):
    """Joins the sidebar's wishes to the store. Files are read and written on the reading thread."""

    open_requested = Signal(str)  # conversation id
    _exported = Signal(str)  # path
    _imported = Signal(object, int)  # list of ConversationHeader, sequence number of the last write
    _failed = Signal(str)  # why, for people

    def __init__(
        self,
        *,
        store: ConversationStore,
        notices: SaveNotices,
        sessions: ChatSessions,
        conversations: ConversationList,
        view: ConversationView,
        bin_view: BinView,
        bin_list: BinList,
        sidebar: Sidebar,
        notice: Notice,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._store = store
        self._sessions = sessions
        self._conversations = conversations
        self._view = view
        self._bin_list = bin_list
        self._sidebar = sidebar
        self._notice = notice
        self._saved_since_import: set[int] | None = None  # None: nothing is being imported
        self._awaited_import: tuple[int, list[ConversationHeader]] = (0, [])
        conversations.renamed.connect(sessions.rename)
        conversations.pinned.connect(sessions.set_pinned)
        conversations.moved.connect(sessions.move_to_folder)
        conversations.folder_saved.connect(store.save_folder)
        conversations.folder_removed.connect(store.remove_folder)
        sessions.header_changed.connect(conversations.put)
        sessions.removed.connect(conversations.remove)
        view.export_requested.connect(self.export)
        view.new_folder_requested.connect(self.new_folder)
        sidebar.folder_requested.connect(self.new_folder)
        sidebar.export_requested.connect(self.export_all)
        sidebar.import_requested.connect(self.choose_import)
        sidebar.bin_requested.connect(self.show_bin)
        bin_view.restore_requested.connect(self.restore)
        bin_view.remove_requested.connect(self.remove_for_good)
        bin_view.empty_requested.connect(self.empty_bin)
        notices.saved.connect(self._note_saved)
        self._exported.connect(self._tell_exported)
        self._imported.connect(self._note_imported)
        self._failed.connect(notice.show_error)

    def new_folder(self, conversation_id: str = "") -> None:
        """Make a folder, put this conversation into it, and let the user type its name."""
        folder = Folder(id=uuid.uuid4().hex, name=tr("New folder"))
        self._conversations.put_folder(folder)
        if conversation_id:
            self._conversations.move(conversation_id, folder.id)
        self._sidebar.show_list()
        self._view.edit_title(folder.id)

    # the bin

    def show_bin(self) -> None:
        """Show what is in the bin."""
        self._bin_list.set_entries(self._store.bin())
        self._sidebar.show_bin()

    def restore(self, entry: BinEntry) -> None:
        """Take an entry out of the bin and show it."""
        if entry.message_ids:
            self._sessions.restore_messages(entry.conversation_id, entry.message_ids)
        else:
            self._sessions.restore(entry.conversation_id)
        self._bin_list.take_out(entry)
        self.open_requested.emit(entry.conversation_id)

    def remove_for_good(self, entry: BinEntry) -> None:
        """Remove an entry of the bin."""
        self._store.remove_from_bin(entry)
        self._bin_list.take_out(entry)

    def empty_bin(self) -> None:
        """Remove everything in the bin."""
        self._store.empty_bin(time.time() + 1, days=0)
        self._bin_list.set_entries([])

    # files

    def export(self, conversation_id: str, kind: str) -> None:
        """Ask for a file and write one conversation into it; `kind` is md or json."""
        suggested = file_name(self._conversations.header(conversation_id).title, f".{kind}")
        path = self._ask_where(suggested, MARKDOWN_FILES if kind == "md" else tr(JSON_FILES))
        if path is None:
            return
        if kind == "md":
            self._write(path, lambda connection: write_markdown(connection, conversation_id, path))
        else:
            self._write(path, lambda connection: write_json(connection, [conversation_id], path))

    def export_all(self) -> None:
        """Ask for a file and write every conversation into it."""
        path = self._ask_where(f"chats {time.strftime('%Y-%m-%d')}.json", tr(JSON_FILES))
        if path is not None:
            self._write(path, lambda connection: write_json(connection, all_ids(connection), path))

    def choose_import(self) -> None:
        """Ask for a file of conversations and take them in."""
        chosen, _ = QFileDialog.getOpenFileName(
            self._sidebar.window(), tr("Import chats"), "", tr(JSON_FILES)
        )
        if chosen:
            self.import_file(Path(chosen))

    def import_file(self, path: Path) -> None:
        """Take in the conversations of a file; a file with any fault in it is refused whole."""

        def read(connection: Any) -> None:
            try:
                found = list(read_file(path, connection))
                last = max((self._store.insert(conversation) for conversation in found), default=0)
            except ExchangeError as error:
                self._failed.emit(str(error))
            else:
                self._imported.emit([conversation.header for conversation in found], last)

        self._saved_since_import = set()
        self._store.read_in_background(read)

    def _ask_where(self, suggested: str, kind: str) -> Path | None:
        chosen, _ = QFileDialog.getSaveFileName(self._sidebar.window(), tr("Export"), suggested, kind)
        return Path(chosen) if chosen else None

    def _write(self, path: Path, write: Callable[[Any], None]) -> None:
        def run(connection: Any) -> None:
            try:
                write(connection)
            except (OSError, KeyError, sqlite.Error) as error:
                reason = error.strerror if isinstance(error, OSError) and error.strerror else error
                self._failed.emit(tr("{name} could not be written: {reason}.", name=path.name, reason=reason))
            else:
                self._exported.emit(str(path))

        self._store.read_in_background(run)

    def _tell_exported(self, path: str) -> None:
        self._notice.show_plain(tr("Exported to {path}", path=path), tr("OK"), lambda: None)

    def _note_imported(self, headers: list[ConversationHeader], last: int) -> None:
        self._awaited_import = (last, headers)
        if not headers:
            self._saved_since_import = None
            self._notice.show_error(tr("There are no chats in that file."))
        else:
            self._show_imported_when_saved()

    def _note_saved(self, sequence: int) -> None:
        if self._saved_since_import is not None:
            self._saved_since_import.add(sequence)
            self._show_imported_when_saved()

    def _show_imported_when_saved(self) -> None:
        last, headers = self._awaited_import
        if self._saved_since_import is None or last not in self._saved_since_import:
            return
        self._saved_since_import = None
        self._conversations.put_all(headers)
        said = tr_count(len(headers), "{count} chat was imported.", "{count} chats were imported.")
        newest = max(headers, key=lambda header: header.updated_at)
        self._notice.show_plain(said, tr("Show"), lambda: self.open_requested.emit(newest.id))
