"""The window's widgets. They show what conversations, lists and the engine's status say; none is theirs."""
