"""`retort serve`: the engine over HTTP, as OpenAI's clients speak to it."""

import argparse
import os
import secrets
import sys

from engine.cli.arguments import MODEL_HELP
from engine.cli.engine_session import EngineSession
from engine.cli.load_arguments import add_load_arguments, load_from
from engine.library.describe import describe_path
from engine.library.places import BUILTIN
from engine.library.shards import model_stem

NAME = "serve"
HELP = "answer OpenAI-compatible HTTP requests on this computer"
DEFAULT_PORT = 8431
KEY_VARIABLE = "RETORT_API_KEY"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("models", nargs="*", default=[BUILTIN], metavar="model", help=f"{MODEL_HELP} (default: builtin)")
    add("--host", default="127.0.0.1", help="address to listen on (default %(default)s: this computer alone)")
    add("--port", type=int, default=DEFAULT_PORT, help="0 takes any free one (default %(default)s)")
    add("--allow-host", action="append", default=[], metavar="NAME", help="also answer to this name")
    add("--allow-origin", action="append", default=[], metavar="URL", help="let web pages of this origin in")
    add_load_arguments(parser)
    add("--verbose", action="store_true", help="show what the native library logs")


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl+C; raises ModelError for a model that cannot be used."""
    import uvicorn  # noqa: PLC0415  (this command alone needs a server)

    from engine.host.http.application import build_application  # noqa: PLC0415
    from engine.host.http.guard import LOOPBACK_HOSTS, AccessRules  # noqa: PLC0415

    models = served_names(arguments.models)
    given_key = os.environ.get(KEY_VARIABLE, "")
    key = given_key or secrets.token_urlsafe(32)
    rules = AccessRules(
        key=key,
        hosts=LOOPBACK_HOSTS | {name.lower() for name in arguments.allow_host},
        origins=frozenset(arguments.allow_origin),
    )
    load = load_from(arguments)
    application = build_application(models, rules, load, verbose=arguments.verbose)
    config = uvicorn.Config(
        application, host=arguments.host, port=arguments.port, log_level="warning", server_header=False
    )
    listener = config.bind_socket()
    listener.listen()  # who reads the address below may connect at once
    port = listener.getsockname()[1]
    print(f"http://{arguments.host}:{port}/v1", flush=True)
    print(f"models: {', '.join(models)}", file=sys.stderr)
    if not given_key:
        print(f"key, for this run only ({KEY_VARIABLE} sets one): {key}", file=sys.stderr)
    if arguments.host not in ("127.0.0.1", "localhost", "::1"):
        print(
            "others on the network can reach this server; the key is all that keeps them out", file=sys.stderr
        )
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        listener.close()
    return 0


def served_names(models: list[str]) -> dict[str, str]:
    """The names that clients use, with what the engine takes; raises ModelError before anything is served."""
    served: dict[str, str] = {}
    with EngineSession() as session:
        for model in models:
            name, taken = _served_name(session, model)
            if name in served:
                raise ValueError(f"two models are called {name!r}")
            served[name] = taken
    return served


def _served_name(session: EngineSession, model: str) -> tuple[str, str]:
    """A model of the library keeps the name that it was asked for by; a path's name is its file's."""
    if model.partition(":")[0] == "fake":
        return "fake", model
    place = session.find(model)
    place.check()
    describe_path(place.path)
    if place.origin is None or model.lower().endswith(".gguf"):
        return (model_stem(place.path) if place.format == "gguf" else place.path.name), str(place.path)
    return model, place.name
