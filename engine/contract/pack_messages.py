"""The messages about engine packs: which there are, installing, fetching, choosing, going back.

All of them but a refusal are answered by `PacksListed`, which tells how things stand afterwards.
"""

from engine.contract.message_base import EventBase, MessageBase
from engine.contract.packs import EnginePack, NativeFacts, PackStep, PublishedPack


class PacksRequest(MessageBase, tag="packs", frozen=True, kw_only=True):
    """Which packs there are; answered by PacksListed."""

    request_id: str


class InstallPackRequest(MessageBase, tag="install_pack", frozen=True, kw_only=True):
    """Take a pack in from an archive, probe it and use it from then on; PackProgress tells how far it is.

    Raises PackRefused where the archive is not what it should be, PackFailed where the probe fails: then the
    pack is there, is not used, and says why.
    """

    request_id: str
    path: str


class FetchPackRequest(MessageBase, tag="fetch_pack", frozen=True, kw_only=True):
    """Fetch a published pack and install it; `online` allows the network for this request."""

    request_id: str
    pack: str  # its id
    online: bool = False


class UsePackRequest(MessageBase, tag="use_pack", frozen=True, kw_only=True):
    """Probe a pack and use it from now on: its id, `builtin`, or `auto` for the best that passes."""

    request_id: str
    pack: str


class CheckPackRequest(MessageBase, tag="check_pack", frozen=True, kw_only=True):
    """Compare a pack's files with their hashes and probe it anew; an empty id means the one in use."""

    request_id: str
    pack: str = ""


class RollBackPackRequest(MessageBase, tag="roll_back_pack", frozen=True, kw_only=True):
    """Use what was used before, and worked."""

    request_id: str


class RemovePackRequest(MessageBase, tag="remove_pack", frozen=True, kw_only=True):
    """Delete a pack; one that is in use gives way to the one before first."""

    request_id: str
    pack: str


class ProbeRequest(MessageBase, tag="probe", frozen=True, kw_only=True):
    """Ask a worker what its library is and does; answered by ProbeTold. For the host alone.

    With `tokens` the model goes on with these in place of its own choices, so that one tie that is decided
    otherwise does not make all that follows another text.
    """

    request_id: str
    model: str  # the path of the one that is asked to go on with a text
    tokens: tuple[int, ...] = ()


class PacksListed(EventBase, tag="packs_listed", frozen=True, kw_only=True):
    """Every pack, the built-in library first; request_id is empty where something changed unasked."""

    packs: tuple[EnginePack, ...]
    before: str  # what rolling back would use
    published: tuple[PublishedPack, ...] = ()  # for this platform


class PackProgress(EventBase, tag="pack_progress", frozen=True, kw_only=True):
    """How far an installation or a choice is."""

    step: PackStep
    pack: str = ""  # the one that is probed
    fraction: float = 0.0  # of this step


class PackFetched(EventBase, tag="pack_fetched", frozen=True, kw_only=True):
    """The archive is here and has the pinned hash; for the host, which installs it."""

    path: str


class ProbeTold(EventBase, tag="probe_told", frozen=True, kw_only=True):
    """What a worker found."""

    facts: NativeFacts


class EngineNotice(EventBase, tag="engine_notice", frozen=True, kw_only=True):
    """A pack failed and another engine took its place; request_id is empty."""

    pack: str
    reason: str
    now: str  # the pack in its place, or `builtin`


PackRequest = (
    PacksRequest
    | InstallPackRequest
    | FetchPackRequest
    | UsePackRequest
    | CheckPackRequest
    | RollBackPackRequest
    | RemovePackRequest
)
PackEvent = PacksListed | PackProgress | PackFetched | ProbeTold | EngineNotice
