"""The search for a model's fastest settings on this computer: measured through a host, never guessed."""
