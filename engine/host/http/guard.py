"""Who may knock: every request is checked before anything of it is read.

A web page can reach a server on this computer: by its address under another name (the Host header tells),
from its own origin (the Origin header tells), and with bodies a browser sends without asking (the content
type tells). The key keeps out everything else that runs here. All four are checked for every request.
"""

import hmac
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from engine.host.http.replies import error_reply

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRules:
    """What a request has to bring."""

    key: str
    hosts: frozenset[str] = LOOPBACK_HOSTS  # names the server may be called by, without port
    origins: frozenset[str] = frozenset()  # web pages that may call it


class Guard:
    """ASGI middleware that answers 4xx for what is not allowed and passes on the rest."""

    def __init__(self, app: ASGIApp, rules: AccessRules) -> None:
        self._app, self._rules = app, rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check an HTTP request; websockets are refused."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self.refusal(scope) if scope["type"] == "http" else (404, "there is no such endpoint")
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await error_reply(*refusal)(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    def refusal(self, scope: Scope) -> tuple[int, str] | None:
        """The status and reason to refuse a request with, None where it may pass."""
        headers = Headers(scope=scope)
        host = headers.get("host", "").rpartition(":")
        name = host[0] if host[0] and host[2].isdigit() else headers.get("host", "")
        if name.lower() not in self._rules.hosts:
            return 403, f"this server is not called {name!r}"
        origin = headers.get("origin")
        if origin is not None and origin not in self._rules.origins:
            return 403, f"web pages of {origin!r} may not use this server"
        if headers.get("sec-fetch-site") == "cross-site" and origin is None:
            return 403, "requests from other sites are refused"
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(key.encode(), self._rules.key.encode()):
            return 401, "the key is missing or wrong; send it as `Authorization: Bearer KEY`"
        content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if scope["method"] == "POST" and content_type != "application/json":
            return 415, "the body has to be application/json"
        return None
