"""What is in the bundle without metadata of its own: CPython, llama.cpp, fonts, what wheels have inside.

`licences/parts.toml` names each with its licence; the texts lie beside it.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

LICENCES = Path(__file__).resolve().parents[1] / "licences"
# Words of an SPDX expression that are no licence.
_OPERATORS = {"AND", "OR", "WITH"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part as the table has it."""

    name: str
    inside: str  # the package that it comes with
    licence: str
    copyright: str
    version: str = ""

    def notice(self) -> str:
        """Who holds the copyright, and every text of the licence."""
        texts = (file.read_text(encoding="utf-8") for file in self.texts())
        return "\n\n".join([f"{self.name}\nCopyright {self.copyright}\nLicence: {self.licence}", *texts])

    def texts(self) -> list[Path]:
        """The files of its licence's texts; those of a licence that is not taken need not be here."""
        names = [name for name in re.split(r"[\s()]+", self.licence) if name and name not in _OPERATORS]
        files = [LICENCES / f"{re.sub(r'-(only|or-later)$', '', name)}.txt" for name in names]
        if self.licence.startswith("LGPL-3.0"):  # it is written as additions to this one
            files.append(LICENCES / "GPL-3.0.txt")
        return [file for file in files if file.is_file()]


def all_parts() -> list[Part]:
    """The table's parts."""
    with (LICENCES / "parts.toml").open("rb") as file:
        return [Part(**entry) for entry in tomllib.load(file)["part"]]
