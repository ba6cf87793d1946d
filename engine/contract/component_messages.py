"""The messages about components: parts of the engine that are fetched only where somebody wants them.

A component is a list of wheels, locked by SHA-256 and size for each system. The host installs it; what needs
the network goes to the gateway as FetchWheelsRequest.
"""

from typing import Literal

import msgspec

from engine.contract.message_base import EventBase, MessageBase

ComponentState = Literal["absent", "installed", "outdated", "included", "unavailable"]


class LockedWheel(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a package index, as it must be."""

    file: str  # name, version and tags, as PEP 427 has them
    sha256: str
    size_bytes: int
    index: str  # a name in resources/addresses.json

    @property
    def project(self) -> str:
        """The project's name as an index normalises it (PEP 503)."""
        return self.file.partition("-")[0].lower().replace("_", "-")


class ComponentStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One component as it is here.

    `included`: this installation has it by other means. `outdated`: another version's, which is not used.
    `unavailable`: nothing is locked for this system.
    """

    name: str
    version: str
    state: ComponentState
    download_bytes: int  # in all; 0 where unavailable
    arrived_bytes: int = 0  # of those, on the disk already
    needed_bytes: int = 0  # of the disk while it is installed
    disk_bytes: int = 0  # that it takes now, with what has arrived


class ComponentsRequest(MessageBase, tag="components", frozen=True, kw_only=True):
    """Which components there are; answered by ComponentsListed."""

    request_id: str


class InstallComponentRequest(MessageBase, tag="install_component", frozen=True, kw_only=True):
    """Fetch and install; answered by TransferProgress and ComponentsListed.

    With `folder` the wheels are taken from there and no network is needed. What had arrived of an
    installation that ended early is used by the next one; the former state holds until the new one is whole.
    """

    request_id: str
    name: str
    folder: str = ""
    online: bool = False


class CheckComponentsRequest(MessageBase, tag="check_components", frozen=True, kw_only=True):
    """Read every installed file and compare its hash; answered by TransferProgress and ComponentsChecked."""

    request_id: str


class RemoveComponentRequest(MessageBase, tag="remove_component", frozen=True, kw_only=True):
    """Delete a component and what has arrived of it; answered by ComponentsListed."""

    request_id: str
    name: str


class FetchWheelsRequest(MessageBase, tag="fetch_wheels", frozen=True, kw_only=True):
    """From host to gateway: bring wheels here; answered by TransferProgress and WheelsFetched."""

    request_id: str
    purpose: str  # as the list of requests says it
    wheels: tuple[LockedWheel, ...]
    online: bool = False
    limit_bytes_per_s: int = 0


class ComponentsListed(EventBase, tag="components_listed", frozen=True, kw_only=True):
    """Every component."""

    components: tuple[ComponentStatus, ...]


class ComponentsChecked(EventBase, tag="components_checked", frozen=True, kw_only=True):
    """What is not as it was installed; nothing where all is well."""

    damaged: tuple[str, ...]  # paths


class WheelsFetched(EventBase, tag="wheels_fetched", frozen=True, kw_only=True):
    """Every file is there and has its hash."""

    fetched_bytes: int  # over the network; 0 where they were there already


ComponentQuestion = (
    ComponentsRequest | InstallComponentRequest | CheckComponentsRequest | RemoveComponentRequest
)
ComponentEvent = ComponentsListed | ComponentsChecked
