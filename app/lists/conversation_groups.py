"""Which headings the sidebar has, and which conversations are under each."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from PySide6.QtCore import QLocale

from app.conversations.message import ConversationHeader, Folder
from app.translation import mark, tr

RowKind = Literal["heading", "folder", "conversation"]
UNTITLED = mark("New chat")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the sidebar."""

    kind: RowKind
    text: str
    id: str = ""  # of the conversation or the folder
    is_inside: bool = False  # a conversation below its folder
    is_open: bool = False  # of a folder
    is_pinned: bool = False


def group(
    headers: Iterable[ConversationHeader], folders: Iterable[Folder], closed: Collection[str], today: date
) -> list[Row]:
    """Pinned conversations, folders, then the rest by date, each the newest first.

    `closed` are the ids of folders whose conversations are not shown.
    """
    ordered = sorted(headers, key=lambda header: header.updated_at, reverse=True)
    rows = _pinned(ordered)
    in_folders: dict[str, list[ConversationHeader]] = {folder.id: [] for folder in folders}
    rest: list[ConversationHeader] = []
    for header in ordered:
        if not header.is_pinned:
            in_folders.get(header.folder_id or "", rest).append(header)
    for folder in sorted(folders, key=lambda folder: folder.name.casefold()):
        is_open = folder.id not in closed
        rows.append(Row("folder", folder.name, folder.id, is_open=is_open))
        if is_open:
            rows += [_row(header, is_inside=True) for header in in_folders[folder.id]]
    return rows + _by_date(rest, today)


def _pinned(ordered: list[ConversationHeader]) -> list[Row]:
    rows = [_row(header) for header in ordered if header.is_pinned]
    return [Row("heading", tr("Pinned")), *rows] if rows else []


def _by_date(ordered: list[ConversationHeader], today: date) -> list[Row]:
    rows: list[Row] = []
    since = float("inf")  # where the present heading's time begins
    for header in ordered:
        if header.updated_at < since:
            heading, since = _heading(datetime.fromtimestamp(header.updated_at).date(), today)
            rows.append(Row("heading", heading))
        rows.append(_row(header))
    return rows


def _heading(day: date, today: date) -> tuple[str, float]:
    """The heading for a day, and the first moment that belongs under it (seconds since 1970)."""
    for heading, num_days in (
        (mark("Today"), 0),
        (mark("Yesterday"), 1),
        (mark("Previous 7 days"), 7),
        (mark("Previous 30 days"), 30),
    ):
        first = today - timedelta(days=num_days)
        if day >= first:
            return tr(heading), _start_of(first)
    month = QLocale().standaloneMonthName(day.month)
    if day.year != today.year:
        month = f"{month} {day.year}"
    return month, _start_of(day.replace(day=1))


def _start_of(day: date) -> float:
    return datetime(day.year, day.month, day.day).timestamp()


def _row(header: ConversationHeader, *, is_inside: bool = False) -> Row:
    title = header.title or tr(UNTITLED)
    return Row("conversation", title, header.id, is_inside=is_inside, is_pinned=header.is_pinned)
