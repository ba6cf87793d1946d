"""The HTTP server: an OpenAI-compatible door to the engine host, closed unless it is asked for.

It only listens; nothing in here opens a connection.
"""
