"""The window's side of the engine: its process, its client, and conversations that talk with it."""
