"""Files that the hub gives by Xet only, its store of chunks: a stream of a file's bytes from any offset on.

hf-xet fetches the chunks and puts them together; what it brings is written, hashed and resumed as plain
ranges are. It gets the store's token of an hour and never the user's, and it is told to send no telemetry. It
opens connections of its own, to the store that the hub names and to where that sends it: the list of requests
shows each stream as one request to the store.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2

from engine.contract.errors import HubAnswerWrong, HubRefused
from engine.gateway.connection import check_place
from engine.gateway.control import Control
from engine.gateway.patience import Patience, TryAgain
from engine.gateway.ranges import FileAddress, XetFile

BUFFER_BYTES = 64 * 2**20  # of chunks that wait for those before them; of its own accord it takes gigabytes
AT_ONCE = 8  # chunks that are fetched at a time

Note = Callable[[str, int | None], None]  # a host; the bytes that came from it, None when it is first asked


class Xet:
    """Opens streams for one pull. For one thread."""

    def __init__(self, cache: Path, patience: Patience, control: Control, note: Note) -> None:
        """Nothing is asked yet; `note` lists a stream when it begins and when it ends."""
        self._cache, self._patience, self._control, self._note = cache, patience, control, note
        self._session: Any = None

    @contextmanager
    def open(
        self, client: httpx2.Client, address: FileAddress, file: XetFile, start: int, end: int
    ) -> Iterator[Iterator[bytes]]:
        """The bytes from `start` up to `end`, in order.

        Raises TryAgain, HubAnswerWrong where the hub names no store or hf-xet is not installed, HubRefused.
        """
        library, session = self._library(address)
        store, token, expires = self._ask_for_token(client, address, file)
        self._note(store.host, None)
        received = 0
        try:
            group = session.new_download_stream_group(
                endpoint=str(store).rstrip("/"), token=token, token_expiry_unix_secs=expires
            )
        except (OSError, RuntimeError, ValueError) as error:
            self._note(store.host, 0)
            raise TryAgain(f"its store of chunks does not answer ({str(error)[:120]})") from error

        def pieces() -> Iterator[bytes]:
            nonlocal received
            try:
                info = library.XetFileInfo(file.hash, address.file.size_bytes)
                for piece in group.download_stream(info, start, end):
                    received += len(piece)
                    yield piece
            except (OSError, RuntimeError, ValueError) as error:
                raise TryAgain(f"its store of chunks broke off ({str(error)[:120]})") from error

        try:
            with self._control.cutting(group.abort):
                yield pieces()
        finally:
            group.abort()
            self._note(store.host, received)

    def _ask_for_token(
        self, client: httpx2.Client, address: FileAddress, file: XetFile
    ) -> tuple[httpx2.URL, str, int]:
        """Where the store is, its token, and until when that holds, in seconds since 1970."""
        request = client.build_request("GET", address.url.join(file.token_path))
        answer = client.send(request, stream=True, follow_redirects=False)
        answer.close()  # all of it stands in its head
        if answer.status_code in (401, 403):
            raise HubRefused(
                address.repository, "its terms have to be agreed to on the hub, with HF_TOKEN set"
            )
        try:
            store = httpx2.URL(answer.headers["X-Xet-Cas-Url"])
            expires = int(answer.headers["X-Xet-Token-Expiration"])
            token = answer.headers["X-Xet-Access-Token"]
        except (KeyError, ValueError, httpx2.InvalidURL) as error:
            raise HubAnswerWrong(address.host, "it names no store of chunks") from error
        check_place(address.url, store)
        return store, token, expires

    def _library(self, address: FileAddress) -> tuple[Any, Any]:
        """hf-xet, and its session with our limits."""
        own = {
            "HF_XET_CACHE": str(self._cache / "xet"),
            "HF_XET_LOG_DEST": str(self._cache / "xet" / "logs") + "/",
        }
        os.environ.update(own)  # read when it is imported; else they are the folders of everybody
        try:
            import hf_xet  # noqa: PLC0415  (no wheel for some machines; few files need it)
        except ImportError as error:
            raise HubAnswerWrong(
                address.host, f"it gives {address.file.path} by Xet only, and hf-xet is not installed"
            ) from error
        if self._session is None:
            patience = self._patience
            limits = {
                "telemetry.enabled": False,
                "chunk_cache.size_bytes": 0,
                "client.retry_max_attempts": 1,  # who tries again are we
                "client.connect_timeout": timedelta(seconds=patience.connect_s),
                "client.read_timeout": timedelta(seconds=patience.read_s),
                "client.ac_max_download_concurrency": AT_ONCE,
                "reconstruction.download_buffer_size": BUFFER_BYTES,
                "reconstruction.download_buffer_perfile_size": BUFFER_BYTES,
                "reconstruction.download_buffer_limit": BUFFER_BYTES,
                "reconstruction.min_prefetch_buffer": BUFFER_BYTES,
                "reconstruction.min_reconstruction_fetch_size": BUFFER_BYTES,
            }
            self._session = hf_xet.XetSession(config=hf_xet.XetConfig().with_config(limits))
        return hf_xet, self._session
