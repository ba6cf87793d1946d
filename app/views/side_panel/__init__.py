"""The panel beside the chat: what this conversation sets for itself, and how its model is loaded."""
