"""What can be wrong with the file of conversations.

StoreError
├── SqliteTooOld     the SQLite library could damage the file
├── StoreTooNew      a newer Retort has written it
└── StoreUnreadable  it is no database, is damaged, or cannot be opened
"""


class StoreError(Exception):
    """The conversations cannot be opened; the text says why and what to do."""


class SqliteTooOld(StoreError):
    """This SQLite has the write-ahead log's reset bug."""

    def __init__(self, found: str, needed: str) -> None:
        super().__init__(
            f"SQLite {found} is installed here, and before {needed} it can damage a database. "
            "Install Retort again, so that it gets its own SQLite."
        )


class StoreTooNew(StoreError):
    """The file's schema is younger than this program."""

    def __init__(self, path: str, found: int, known: int) -> None:
        super().__init__(
            f"{path} was written by a newer Retort (its format is {found}, this one knows {known}). "
            "The file was not touched. Open it with the newer Retort."
        )


class StoreUnreadable(StoreError):
    """SQLite refuses the file."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            f"{path} cannot be opened: {reason}. The file was not touched. "
            "Move it to another folder to start with empty conversations."
        )
