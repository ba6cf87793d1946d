"""The engine host: starts workers, sends each request to the right one and explains it when one dies.

No model code: whatever can crash does so in a worker.
"""
