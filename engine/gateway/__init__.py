"""The gateway: the one process that opens connections, run only while the network is allowed.

It asks the hub for models and fetches their files. It runs no model and parses a file only once its hash is
the announced one. Every request it makes is listed before it is made.
"""
