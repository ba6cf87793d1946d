"""Fetches a published engine pack: from the address that ships with Retort, of the bytes that it pins."""

from collections.abc import Callable, Sequence

import httpx2

from engine.contract.errors import InvalidRequest
from engine.contract.hub_messages import TransferPhase, TransferProgress
from engine.contract.pack_messages import FetchPackRequest, PackFetched
from engine.contract.packs import LLAMA_COMMIT, PublishedPack
from engine.contract.paths import Paths, public_address
from engine.gateway.connection import Connection
from engine.gateway.control import Cancelled, Control
from engine.gateway.hub import RemoteFile
from engine.gateway.pace import SpeedLimit
from engine.gateway.patience import Patience
from engine.gateway.ranges import FileAddress
from engine.gateway.transfer import Transfer
from engine.gateway.xet import Xet
from engine.library.content_hash import ContentHash
from engine.library.network_log import NetworkLog


class PackFetcher:
    """Fetches into the folder of unfinished downloads. For any thread, one call per pack at a time."""

    def __init__(
        self,
        paths: Paths,
        patience: Patience,
        speed_limit: SpeedLimit,
        published: Sequence[PublishedPack],
        address: Callable[[str], str] = public_address,
    ) -> None:
        """Nothing is asked yet; `address` finds where a name of resources/addresses.json leads."""
        self._paths, self._patience, self._speed_limit = paths, patience, speed_limit
        self._published, self._address = {pack.id: pack for pack in published}, address
        self._log = NetworkLog(paths.network_log)

    def fetch(
        self, request: FetchPackRequest, control: Control, emit: Callable[[TransferProgress], None]
    ) -> PackFetched:
        """Bring a pack's archive here; what had arrived of it before is used.

        Raises InvalidRequest, NetworkError, StorageFailed; Cancelled, upon which nothing is left of it.
        """
        pack = self._published.get(request.pack)
        if pack is None:
            raise InvalidRequest(f"no engine pack {request.pack!r} has been published for this system")
        endpoint = httpx2.URL(self._address(pack.address).rstrip("/"))
        connection = Connection(
            endpoint,
            self._log,
            self._patience,
            purpose=lambda: f"fetching the engine pack {pack.id}",
            control=control,
            is_for_files=True,
        )

        def report(phase: TransferPhase, done_bytes: int, notice: str) -> None:
            emit(
                TransferProgress(
                    request_id=request.request_id,
                    phase=phase,
                    done_bytes=done_bytes,
                    total_bytes=pack.size_bytes,
                    notice=notice,
                )
            )

        self._paths.partial.mkdir(parents=True, exist_ok=True, mode=0o700)
        with httpx2.Client(transport=connection) as client:
            transfer = Transfer(
                _file_address(endpoint, pack),
                self._paths.partial,
                client,
                control=control,
                patience=self._patience,
                speed_limit=self._speed_limit,
                report=report,
                xet=Xet(self._paths.cache, self._patience, control, lambda _host, _bytes: None),
            )
            try:
                transfer.run()
            except Cancelled:
                transfer.forget()
                raise
        archive = transfer.part.with_name(pack.file)
        transfer.part.replace(archive)
        transfer.forget()  # its journal
        return PackFetched(request_id=request.request_id, path=str(archive))


def _file_address(endpoint: httpx2.URL, pack: PublishedPack) -> FileAddress:
    file = RemoteFile(
        path=pack.file, size_bytes=pack.size_bytes, content_hash=ContentHash("sha256", pack.sha256)
    )
    url = endpoint.copy_with(path=f"{endpoint.path.rstrip('/')}/{pack.file}")
    return FileAddress(url, "engine packs", LLAMA_COMMIT, file)
