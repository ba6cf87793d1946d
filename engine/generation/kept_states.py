"""Conversations' states on the disk: what was computed before the application ended is not computed again.

One file per conversation and model, found by the tokens it begins with. All models share one folder and one
limit; what was used longest ago is deleted first. A file that is damaged or of another model is ignored.
"""

import hashlib
import logging
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from engine.generation.common_prefix import common_prefix_length
from engine.generation.held import Checkpoint, Held
from engine.generation.state_file import (
    PART_NAME,
    StateFileDamaged,
    read_state,
    read_tokens,
    write_state,
)
from engine.library.state_folder import STATE_SUFFIX, forget_conversation, state_name

LEAST_TOKENS = 256  # shorter ones are read again as quickly
LEAST_GROWTH = 64  # tokens that a conversation has gained since it was kept
ABANDONED_S = 3600.0  # a file that somebody began to write so long ago will not be finished

log = logging.getLogger("retort.generation")


@dataclass(slots=True)
class _Known:
    path: Path
    token_ids: list[int]


class KeptStates:
    """The kept states of one model. Not for several threads at once; processes may share the folder."""

    def __init__(self, folder: Path, model_key: str, *, limit_bytes: int) -> None:
        """`folder` holds the states of all models, `limit_bytes` at most."""
        self._folder, self._key, self._limit_bytes = folder, model_key, limit_bytes
        self._own = folder / model_key[:32]
        self._known: dict[str, _Known] | None = None  # by the file's name; read at the first question
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="state-writer")
        self._writing: Future[None] | None = None

    def best(self, token_ids: Sequence[int], *, more_than: int, longest: int) -> Held | None:
        """The kept state of up to `longest` tokens that shares the most with a prompt, if that is enough."""
        wanted = list(token_ids)
        known = {name: one for name, one in self._index().items() if len(one.token_ids) <= longest}
        shared = {name: common_prefix_length(one.token_ids, wanted) for name, one in known.items()}
        name = max(shared, key=shared.__getitem__, default=None)
        if name is None or shared[name] < more_than + LEAST_TOKENS:
            return None
        return self._read(known[name])

    def is_worth_keeping(self, conversation_id: str, token_ids: Sequence[int]) -> bool:
        """Whether a conversation has become long enough since it was last kept."""
        if not conversation_id or len(token_ids) < LEAST_TOKENS:
            return False
        known = self._index().get(state_name(conversation_id))
        kept = common_prefix_length(known.token_ids, list(token_ids)) if known else 0
        return len(token_ids) - kept >= LEAST_GROWTH or bool(
            known and len(known.token_ids) - kept > LEAST_GROWTH
        )

    def keep(
        self, conversation_id: str, token_ids: Sequence[int], state: bytes, checkpoints: Sequence[Checkpoint]
    ) -> None:
        """Write a state in the background, after the one before it; a failure is logged and costs nothing."""
        name = state_name(conversation_id)
        path = self._own / name
        self._index()[name] = _Known(path, list(token_ids))
        if self._writing is not None:
            self._writing.result()
        self._writing = self._writer.submit(self._write, path, list(token_ids), state, list(checkpoints))

    def dismiss(self, held: Held) -> None:
        """Offer this state no more while this process lasts."""
        known = self._index()
        self._known = {name: one for name, one in known.items() if one.token_ids is not held.idle_token_ids}

    def forget(self, conversation_id: str) -> None:
        """Delete what is kept of a conversation, once it is written."""
        if self._writing is not None:
            self._writing.result()
        self._index().pop(state_name(conversation_id), None)
        forget_conversation(self._folder, conversation_id)

    def close(self) -> None:
        """Wait until everything is on the disk."""
        self._writer.shutdown()
        if self._writing is not None:
            self._writing.result()

    def _write(self, path: Path, token_ids: list[int], state: bytes, checkpoints: list[Checkpoint]) -> None:
        size_bytes = len(state) + sum(len(point.state) for point in checkpoints)
        try:
            if size_bytes <= self._limit_bytes:
                make_room(self._folder, self._limit_bytes - size_bytes)
                write_state(path, self._key, token_ids, state, checkpoints)
        except OSError as error:
            log.warning("the state of a conversation was not kept: %s", error)

    def _index(self) -> dict[str, _Known]:
        if self._known is None:
            self._known = {}
            for path in sorted(self._own.glob(f"*{STATE_SUFFIX}")):
                try:
                    header, tokens = read_tokens(path)
                    if header.model_key != self._key:
                        raise StateFileDamaged("it belongs to another model")
                except (OSError, StateFileDamaged) as error:
                    log.warning("a kept state is ignored and deleted: %s: %s", path.name, error)
                    path.unlink(missing_ok=True)
                else:
                    self._known[path.name] = _Known(path, tokens.tolist())
        return self._known

    def _read(self, known: _Known) -> Held | None:
        started = time.perf_counter()
        try:
            state, checkpoints = read_state(known.path)
            os.utime(known.path)
        except (OSError, StateFileDamaged) as error:
            log.warning("a kept state is ignored: %s: %s", known.path.name, error)
            known.path.unlink(missing_ok=True)
            self._index().pop(known.path.name, None)
            return None
        seconds = time.perf_counter() - started
        log.info("%d tokens of a kept state were read in %.3f s", len(known.token_ids), seconds)
        return Held("", known.token_ids, checkpoints, state=state)


def make_room(folder: Path, limit_bytes: int) -> None:
    """Delete what was used longest ago until the rest is within the limit, and what nobody will finish."""
    files = sorted(_files(folder), key=lambda entry: entry[1])
    total = sum(size for _, _, size in files)
    for path, _, size in files:
        if total <= limit_bytes:
            break
        path.unlink(missing_ok=True)
        total -= size


def _files(folder: Path) -> Iterator[tuple[Path, float, int]]:
    """Path, time of the last use and size of every kept state; unfinished ones that are old are deleted."""
    for path in folder.glob("*/*"):
        try:
            status = path.stat()
        except OSError:  # another process was quicker
            continue
        if path.name.endswith(PART_NAME) and time.time() - status.st_mtime > ABANDONED_S:
            path.unlink(missing_ok=True)
        elif path.name.endswith(STATE_SUFFIX):
            yield path, status.st_mtime, status.st_size


def model_key(facts: Sequence[str | int], path: Path | None) -> str:
    """What tells a model, and how it computes, apart: the facts, and names, sizes and times of its files."""
    digest = hashlib.sha256(repr(tuple(facts)).encode())
    for file in [path, *sorted(path.rglob("*"))] if path is not None else []:
        if file.is_file():
            status = file.stat()
            digest.update(repr((file.name, status.st_size, status.st_mtime_ns)).encode())
    return digest.hexdigest()
