"""Reading the beginnings of files on the hub: a model's header, the text of its card. Nothing is kept.

A header is read as one answer that is broken off once the header ends: how long it is, only reading it tells.
"""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx2

from engine.contract.errors import HubAnswerWrong, ModelDamaged, ModelUnsupported
from engine.contract.hub_messages import (
    HubGroup,
    ModelCardRead,
    ModelCardRequest,
    RemoteHeaderRead,
    RemoteHeaderRequest,
)
from engine.contract.remote_header import RemoteHeader
from engine.gateway.control import Control
from engine.gateway.hub import Hub, Listing, RemoteFile
from engine.gateway.patience import Patience, Tries, TryAgain
from engine.gateway.ranges import FileAddress, OnlyByXet, open_range
from engine.gateway.repository import CARD, check_names, choose_group
from engine.library.checkpoint import CONFIG, describe_checkpoint, template_in
from engine.library.describe import (
    active_parameters,
    capabilities,
    checkpoint_active_parameters,
    checkpoint_capabilities,
    describe,
)
from engine.library.gguf import MAX_HEADER_BYTES, Stream, join_headers, read_part
from engine.library.model_shape import shape_of_checkpoint, shape_of_header
from engine.library.remote_header import (
    checkpoint_from_wire,
    checkpoint_to_wire,
    gguf_from_wire,
    gguf_to_wire,
)
from engine.library.safetensors import read_stream

MAX_TEXT_BYTES = 2**20  # of a card or a configuration
MAX_TOKENIZER_BYTES = 16 * 2**20  # of a tokenizer_config.json, for the chat template in it

_Read = TypeVar("_Read")


class RemoteReader:
    """Reads from one hub. For any thread."""

    def __init__(self, hub: Hub, patience: Patience) -> None:
        """Nothing is asked yet."""
        self._hub, self._patience = hub, patience

    def header(self, request: RemoteHeaderRequest, control: Control) -> RemoteHeaderRead:
        """The header of a model; raises NetworkError, InvalidRequest, ModelError, Cancelled."""
        listing = self._hub.list(request.repository, request.revision, control)
        group = choose_group(listing, request.file)
        by_path = {file.path: file for file in listing.files}
        check_names((by_path[path] for path in group.files), self._hub.endpoint.host)
        with self._hub.client_for_files(f"reading the header of {listing.repository}", control) as client:
            files = _Files(self._hub, listing, client, self._patience, control)
            if group.kind == "checkpoint":
                header = files.checkpoint(group)
                checkpoint = checkpoint_from_wire(header, listing.repository)
                info, active = describe_checkpoint(checkpoint), checkpoint_active_parameters(checkpoint)
                able, shape = checkpoint_capabilities(checkpoint), shape_of_checkpoint(checkpoint)
            else:
                header = files.gguf(group)
                parsed = gguf_from_wire(header)
                info, active, able = describe(parsed), active_parameters(parsed), capabilities(parsed)
                shape = shape_of_header(parsed)
        return RemoteHeaderRead(
            request_id=request.request_id,
            repository=listing.repository,
            commit=listing.commit,
            group=group,
            info=info,
            active_parameters=active,
            capabilities=able,
            header=header,
            shape=shape,
            fetched_bytes=files.fetched_bytes,
        )

    def card(self, request: ModelCardRequest, control: Control) -> ModelCardRead:
        """A repository's README; raises NetworkError, InvalidRequest, Cancelled."""
        listing = self._hub.list(request.repository, request.revision, control)
        text, is_cut = "", False
        if any(file.path == CARD for file in listing.files):
            with self._hub.client_for_files(f"reading the card of {listing.repository}", control) as client:
                data = _Files(self._hub, listing, client, self._patience, control).text(CARD)
            is_cut = len(data) == MAX_TEXT_BYTES
            text = _without_front_matter(data.decode("utf-8", errors="replace"))
        return ModelCardRead(
            request_id=request.request_id,
            repository=listing.repository,
            commit=listing.commit,
            text=text,
            is_cut=is_cut,
        )


class _Files:
    """The files of one listing, read through one client."""

    def __init__(
        self, hub: Hub, listing: Listing, client: httpx2.Client, patience: Patience, control: Control
    ) -> None:
        self._hub, self._listing, self._client = hub, listing, client
        self._patience, self._control = patience, control
        self._by_path = {file.path: file for file in listing.files}
        self.fetched_bytes = 0

    def gguf(self, group: HubGroup) -> RemoteHeader:
        headers = []
        for path in group.files:
            size_bytes = self._by_path[path].size_bytes

            def parse(stream: Stream, path: str = path, size_bytes: int = size_bytes) -> Any:
                return read_part(Path(path), stream, size_bytes)

            headers.append(self._read(path, MAX_HEADER_BYTES, parse))
        return gguf_to_wire(join_headers(headers))

    def checkpoint(self, group: HubGroup) -> RemoteHeader:
        config = self._json(CONFIG, MAX_TEXT_BYTES)
        template = ""
        if "chat_template.jinja" in self._by_path:
            template = self.text("chat_template.jinja").decode("utf-8", errors="replace")
        elif "tokenizer_config.json" in self._by_path:
            template = template_in(self._json("tokenizer_config.json", MAX_TOKENIZER_BYTES))
        shards = []
        for path in (path for path in group.files if path.endswith(".safetensors")):
            size_bytes = self._by_path[path].size_bytes

            def parse(stream: Stream, path: str = path, size_bytes: int = size_bytes) -> Any:
                return read_stream(Path(path), stream, size_bytes)

            shards.append(self._read(path, MAX_HEADER_BYTES, parse))
        return checkpoint_to_wire(config, shards, template)

    def text(self, path: str, max_bytes: int = MAX_TEXT_BYTES) -> bytes:
        """The file's beginning; whole ones are compared with their hash."""
        file = self._by_path[path]
        wanted = min(file.size_bytes, max_bytes)
        data: bytes = self._read(path, wanted, lambda stream: stream.read(wanted))
        if wanted == file.size_bytes:
            found = file.content_hash.start(file.size_bytes)
            found.update(data)
            if found.hexdigest() != file.content_hash.hexadecimal:
                raise HubAnswerWrong(self._hub.endpoint.host, f"{path} has other bytes than were announced")
        return data

    def _json(self, path: str, max_bytes: int) -> dict[str, Any]:
        if self._by_path[path].size_bytes > max_bytes:
            raise ModelUnsupported(path, "it is far too long")
        try:
            value = json.loads(self.text(path, max_bytes))
        except (ValueError, RecursionError) as error:
            raise ModelDamaged(path, f"it is no JSON ({error})") from error
        if not isinstance(value, dict):
            raise ModelDamaged(path, "it is no JSON object")
        return value

    def _read(self, path: str, max_bytes: int, parse: Callable[[Stream], _Read]) -> _Read:
        file = self._by_path[path]
        if not file.size_bytes:  # of which there is no range to ask for
            return parse(_Beginning(iter(()), file, 0, 0.0))
        address = FileAddress.of(self._hub.endpoint, self._listing, file)
        end = min(file.size_bytes, max_bytes)

        def once() -> _Read:
            self._control.check()
            deadline = time.monotonic() + self._patience.answer_s
            with open_range(self._client, address, 0, end) as (_, pieces):
                stream = _Beginning(pieces, file, end, deadline)
                try:
                    return parse(stream)
                finally:
                    self.fetched_bytes += stream.received_bytes

        tries = Tries(self._patience, address.host, lambda seconds, _reason: self._control.wait(seconds))
        try:
            return tries.until_done(once)
        except OnlyByXet as error:
            raise HubAnswerWrong(address.host, f"it gives no part of {path} but by Xet") from error


class _Beginning:
    """The first bytes of an answer, up to a limit; to whoever parses them it looks like a file."""

    def __init__(self, pieces: Iterator[bytes], file: RemoteFile, limit: int, deadline: float) -> None:
        self._pieces, self._file, self._limit, self._deadline = pieces, file, limit, deadline
        self._piece, self._taken = b"", 0  # what arrived last, and how much of it was read
        self._position = 0
        self.received_bytes = 0

    def read(self, length: int, /) -> bytes:
        length = min(length, self._file.size_bytes - self._position)
        if self._position + length > self._limit:
            raise ModelUnsupported(self._file.path, f"its header is longer than {self._limit >> 20} MiB")
        self._position += length
        found = self._piece[self._taken : self._taken + length]
        self._taken += len(found)
        if len(found) == length:
            return found
        parts = [found]
        missing = length - len(found)
        while missing:
            self._piece = next(self._pieces, b"")
            if not self._piece:
                raise TryAgain(f"the connection ended {missing} bytes too early")
            if time.monotonic() > self._deadline:
                raise TryAgain("its answer takes too long")
            self.received_bytes += len(self._piece)
            parts.append(self._piece[:missing])
            self._taken = len(parts[-1])
            missing -= self._taken
        return b"".join(parts)


def _without_front_matter(text: str) -> str:
    """A card without the YAML between its first two lines of dashes."""
    text = text.replace("\r\n", "\n")
    if not text.startswith("---\n"):
        return text
    end = text.find("\n---\n", 3)
    return text[end + 5 :].lstrip("\n") if end >= 0 else text
