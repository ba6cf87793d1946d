"""Conversations and how they are kept. Knows nothing of Qt, the engine or how anything looks."""
