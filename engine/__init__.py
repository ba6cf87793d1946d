"""The engine: everything that knows models. Imports no Qt and nothing of `app`."""
