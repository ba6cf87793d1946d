"""The catalogue: models worth having (resources/catalogue.json), to choose from before there is any network.

The file is one object: `version` (1), `checked` (the day on which the facts were looked up) and `models`,
each as `CatalogueModel` describes it. A size, a commit or a hash stands there only where independent public
sources agree on it; else it is null, and the hub says it when the file is fetched. Where there is a commit,
that very commit is fetched. Counts of parameters are those that the publishers state.
"""

from pathlib import Path

import msgspec

from engine.contract.catalogue_messages import CatalogueModel
from engine.contract.paths import resources

VERSION = 1


class Catalogue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the file holds."""

    version: int
    checked: str
    models: tuple[CatalogueModel, ...]


def read_catalogue(path: Path | None = None) -> Catalogue:
    """The catalogue that ships with Retort, or another file; raises OSError, or ValueError for nonsense."""
    content = (path or resources() / "catalogue.json").read_bytes()
    catalogue = msgspec.json.decode(content, type=Catalogue)
    if catalogue.version != VERSION:
        raise ValueError(f"the catalogue is of version {catalogue.version}, not {VERSION}")
    return catalogue
