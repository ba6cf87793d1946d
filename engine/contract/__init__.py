"""Values and messages that all processes share: params, chat, model_info, messages, wire, errors, paths.

Knows nothing of models, files or widgets; imports only the standard library, msgspec and platformdirs.
"""
