"""The window: conversations and how they look. Holds no model code and opens no connection."""
