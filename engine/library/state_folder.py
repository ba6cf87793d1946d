"""The folder of conversations' states: one file per conversation and model, which workers write and read.

    <prefix cache>/<model>/<conversation>.state

The names are hashes: a folder listing tells neither a model nor a conversation.
"""

import hashlib
from pathlib import Path

STATE_SUFFIX = ".state"


def state_name(conversation_id: str) -> str:
    """The name of a conversation's file, in every model's folder."""
    return hashlib.sha256(conversation_id.encode()).hexdigest()[:32] + STATE_SUFFIX


def forget_conversation(folder: Path, conversation_id: str) -> None:
    """Delete what any model has kept of a conversation."""
    for path in folder.glob(f"*/{state_name(conversation_id)}"):
        path.unlink(missing_ok=True)
