"""What the hub knows of models: search, and the files of a repository at one commit with their hashes.

huggingface_hub asks; whatever it makes of an answer that is not as it should be becomes an error of ours.
"""

# ruff: noqa: E402  (huggingface_hub reads the environment when it is imported)
import os
import re
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

_ENVIRONMENT = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}
os.environ.update(_ENVIRONMENT)

import httpx2
from huggingface_hub import HfApi, close_session, set_client_factory
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import ModelInfo, RepoFile
from msgspec import structs

from engine.contract.catalogue_messages import NetworkEntry
from engine.contract.errors import HubAnswerWrong, HubRefused, HubUnreachable, InvalidRequest, NotOnHub
from engine.contract.paths import public_address
from engine.gateway.connection import Connection, begin_entry, end_entry
from engine.gateway.control import Control
from engine.gateway.patience import Patience, Tries
from engine.library.content_hash import ContentHash
from engine.library.journal import MAX_FILE_BYTES
from engine.library.network_log import NetworkLog

MAX_FILES = 20_000  # of a repository
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,120}/[A-Za-z0-9][\w.-]{0,120}", re.ASCII)
KEPT_LISTINGS = 16

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file of a repository."""

    path: str
    size_bytes: int
    content_hash: ContentHash


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A repository at one commit."""

    repository: str
    commit: str
    author: str
    license: str
    is_gated: bool
    base_models: tuple[str, ...]
    files: tuple[RemoteFile, ...]


class Hub:
    """The hub at one address."""

    def __init__(self, network_log: NetworkLog, patience: Patience) -> None:
        """HF_ENDPOINT names another hub, HF_TOKEN is sent to it; nothing is asked yet."""
        address = os.environ.get("HF_ENDPOINT") or public_address("hugging_face")
        self.endpoint = httpx2.URL(address.rstrip("/"))
        self.token = os.environ.get("HF_TOKEN", "").strip()
        self._log, self._patience = network_log, patience
        self._listings: dict[tuple[str, str], Listing] = {}  # by repository and commit, the newest last
        self._purpose: ContextVar[str] = ContextVar("purpose", default="asking the hub")
        self._api = HfApi(endpoint=str(self.endpoint), token=False)
        set_client_factory(
            lambda: httpx2.Client(
                transport=Connection(
                    self.endpoint, network_log, patience, purpose=self._purpose.get, token=self.token
                ),
                follow_redirects=True,
                max_redirects=5,
            )
        )

    def close(self) -> None:
        """Close the connections that are kept open for the next question."""
        close_session()

    def client_for_files(self, purpose: str, control: Control) -> httpx2.Client:
        """A client for fetching files; redirects are followed by whoever uses it."""
        connection = Connection(
            self.endpoint,
            self._log,
            self._patience,
            purpose=lambda: purpose,
            token=self.token,
            control=control,
            is_for_files=True,
        )
        return httpx2.Client(transport=connection)

    def lister(self, purpose: str) -> Callable[[str, int | None], None]:
        """Lists requests that are not made by us: called with a host, and again with the bytes it gave."""
        begun: dict[str, NetworkEntry] = {}

        def note(host: str, received_bytes: int | None) -> None:
            if received_bytes is None:
                begun[host] = begin_entry(self._log, "GET", host, purpose)
            else:
                end_entry(self._log, structs.replace(begun.pop(host), received_bytes=received_bytes))

        return note

    def list(self, repository: str, revision: str, control: Control) -> Listing:
        """The files of a repository; raises NetworkError, InvalidRequest for what is no name of one."""
        if _REPOSITORY.fullmatch(repository) is None:
            raise InvalidRequest(f"{repository[:80]!r} is no repository; write publisher/name")
        known = self._listings.get((repository, revision))
        if known is not None:  # what a commit holds never changes
            return known
        what = f"{repository} at {revision}" if revision else repository
        found = self.ask(
            what, lambda _api: self._list(repository, revision), control, purpose=f"listing {repository}"
        )
        self._listings[repository, found.commit] = found
        while len(self._listings) > KEPT_LISTINGS:
            self._listings.pop(next(iter(self._listings)))
        return found

    def _list(self, repository: str, revision: str) -> Listing:
        info = self._api.model_info(repository, revision=revision or None)
        commit = str(info.sha)
        if _COMMIT.fullmatch(commit) is None:
            raise ValueError("it names no commit")
        entries = list(
            islice(self._api.list_repo_tree(repository, recursive=True, revision=commit), MAX_FILES + 1)
        )
        if len(entries) > MAX_FILES:
            raise ValueError(f"it lists more than {MAX_FILES} files")
        return Listing(
            repository=repository,
            commit=commit,
            author=str(info.author or repository.partition("/")[0])[:120],
            license=license_of(info),
            is_gated=bool(info.gated),
            base_models=base_models_of(info),
            files=tuple(_remote_file(entry) for entry in entries if isinstance(entry, RepoFile)),
        )

    def ask(
        self, wanted: str, ask: Callable[[HfApi], _Result], control: Control, *, purpose: str = ""
    ) -> _Result:
        """Ask through huggingface_hub and try again within patience; raises NetworkError, InvalidRequest.

        `wanted` is what the hub does not have where it has nothing, `purpose` what the list of requests says.
        """
        if purpose:
            self._purpose.set(purpose)
        host = self.endpoint.host
        try:
            tries = Tries(self._patience, host, lambda seconds, _reason: control.wait(seconds))
            return tries.until_done(lambda: ask(self._api))
        except GatedRepoError as error:
            raise HubRefused(
                wanted, "its terms have to be agreed to on the hub, with HF_TOKEN set"
            ) from error
        except (RepositoryNotFoundError, RevisionNotFoundError) as error:
            raise NotOnHub(wanted) from error
        except HFValidationError as error:
            raise InvalidRequest(str(error)) from error
        except HfHubHTTPError as error:
            raise HubUnreachable(host, f"it answers {error.response.status_code}") from error
        except httpx2.HTTPError as error:
            raise HubAnswerWrong(host, str(error) or type(error).__name__) from error
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
            raise HubAnswerWrong(host, f"it is not understood ({str(error)[:120]})") from error


def license_of(info: ModelInfo) -> str:
    """The licence that a repository's tags name, empty where none does."""
    tags = (str(tag) for tag in info.tags or ())
    return next((tag.removeprefix("license:")[:80] for tag in tags if tag.startswith("license:")), "")


def base_models_of(info: ModelInfo) -> tuple[str, ...]:
    """The repositories that a repository's tags say it is made from."""
    tags = (str(tag).removeprefix("base_model:") for tag in info.tags or () if _is_base_model(str(tag)))
    return tuple(dict.fromkeys(tags))[:8]


def _is_base_model(tag: str) -> bool:
    prefix, _, repository = tag.partition(":")
    return prefix == "base_model" and _REPOSITORY.fullmatch(repository) is not None


def _remote_file(entry: RepoFile) -> RemoteFile:
    size_bytes = int(entry.lfs.size if entry.lfs else entry.size)
    if not 0 <= size_bytes <= MAX_FILE_BYTES:
        raise ValueError(f"a file of {size_bytes} bytes")
    found = ContentHash("sha256", entry.lfs.sha256) if entry.lfs else ContentHash("git", entry.blob_id)
    return RemoteFile(path=str(entry.path), size_bytes=size_bytes, content_hash=found)
