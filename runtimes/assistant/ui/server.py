"""The page's server: loopback only, with a token, for this page's own origin alone."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from edge_sdk.errors import DeviceError, UsageError

from ...speech.packages import require
from .feed import READERS, Feed

_INSTALL = "pip install 'edge-sdk[ui]'"
_STATIC = Path(__file__).parent / "static"
_PATIENCE = 10.0
# Nothing from elsewhere is loaded, and nobody may frame the page.
_POLICY = "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'none'"


class Page:
    """Serves the page in a thread of its own.

    Args:
        feed: what is shown.
        address: ``host:port``; the host must be a loopback address, port 0 takes a free one.
        token: who has it may look; by default a new one.

    Raises:
        UsageError: the address is malformed or not of the loopback.
        DeviceError: the address is taken.
        DependencyError: the web server is not installed.
    """

    def __init__(
        self, feed: Feed, address: str = "127.0.0.1:8765", token: str | None = None
    ) -> None:
        host, port = _address(address)
        uvicorn: Any = require("uvicorn", _INSTALL)
        require("starlette", _INSTALL)
        if not (_STATIC / "vendor" / "uPlot.iife.min.js").is_file():
            raise UsageError(
                "The page's plotting library is not there; run scripts/page_assets.sh."
            )
        self._feed = feed
        self.token = token or secrets.token_urlsafe(24)
        self._socket = _bind(host, port)
        self.host, self.port = self._socket.getsockname()[:2]
        # Cookies know no ports: two assistants on one machine would take each other's.
        self._cookie = f"edge_sdk_token_{self.port}"
        settings = uvicorn.Config(
            self._application(), log_level="warning", access_log=False, lifespan="off", ws="none"
        )
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._serve, name="edge-sdk page", daemon=True)

    @property
    def address(self) -> str:
        """What to open in a browser, token included."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/?token={self.token}"

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """End, and close every open page."""
        self._server.should_exit = self._server.force_exit = True
        if self._thread.is_alive():
            self._thread.join(_PATIENCE)
        self._socket.close()

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])

    def _application(self) -> Any:
        from starlette.applications import Starlette
        from starlette.requests import Request
        from starlette.responses import (
            FileResponse,
            PlainTextResponse,
            RedirectResponse,
            Response,
            StreamingResponse,
        )
        from starlette.routing import Mount, Route
        from starlette.staticfiles import StaticFiles

        async def index(request: Request) -> Response:
            if "token" in request.query_params:
                # Out of the address, so that it is in no history and no screenshot.
                answer: Response = RedirectResponse("/", status_code=303)
                answer.set_cookie(self._cookie, self.token, httponly=True, samesite="strict")
                return answer
            return FileResponse(_STATIC / "index.html")

        async def events(request: Request) -> Response:
            if self._feed.full:
                return PlainTextResponse(
                    f"{READERS} pages are open already: close one.", status_code=503
                )
            return StreamingResponse(self._stream(), media_type="text/event-stream")

        async def frame(request: Request) -> Response:
            content = self._feed.picture()
            if content is None:
                return Response(status_code=204)
            return Response(content, media_type="image/jpeg")

        application = Starlette(
            routes=[
                Route("/", index),
                Route("/events", events),
                Route("/frame.jpg", frame),
                Mount("/static", StaticFiles(directory=_STATIC)),
            ]
        )

        async def guarded(scope: Any, receive: Any, send: Any) -> None:
            refusal = None if scope["type"] != "http" else self._refusal(Request(scope))
            if refusal is not None:
                await PlainTextResponse(refusal, status_code=403)(scope, receive, send)
                return

            async def sealed(message: Any) -> None:
                if message["type"] == "http.response.start":
                    message["headers"] += [
                        (b"content-security-policy", _POLICY.encode()),
                        (b"cache-control", b"no-store"),
                        (b"referrer-policy", b"no-referrer"),
                        (b"x-content-type-options", b"nosniff"),
                    ]
                await send(message)

            await application(scope, receive, sealed)

        return guarded

    def _refusal(self, request: Any) -> str | None:
        """Why a request is not answered; None where it is."""
        # A browser leaves out the usual port.
        ports = (f":{self.port}", "") if self.port == 80 else (f":{self.port}",)
        hosts = (self.host, f"[{self.host}]", "localhost")
        names = {f"{host}{port}" for host in hosts for port in ports}
        # Another name that leads here is a page from elsewhere, by DNS rebinding.
        if request.headers.get("host") not in names:
            return "This page is served to this machine alone."
        origin = request.headers.get("origin")
        if origin is not None and origin not in {f"http://{name}" for name in names}:
            return "Pages of other origins may not look."
        given = request.query_params.get("token") or request.cookies.get(self._cookie, "")
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            return "Open the address that the assistant printed: it carries the token."
        return None

    async def _stream(self) -> AsyncIterator[str]:
        reader = self._feed.join()
        try:
            while (message := await reader.get()) is not None:
                yield message
        finally:
            self._feed.leave(reader)


def _address(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        inside = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError as error:
        raise UsageError(f"{address!r} is no address such as 127.0.0.1:8765.") from error
    if not inside:
        raise UsageError(
            f"The page shows what the microphone and the camera see: {host} would show it to "
            "others. Take 127.0.0.1, and a tunnel (ssh -L) to look from elsewhere."
        )
    if not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"{address!r} has no port from 0 to 65535.")
    return ("127.0.0.1" if host == "localhost" else host), int(port)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        # From here on a browser that comes before the server waits instead of being refused.
        bound.listen(16)
    except OSError as error:
        bound.close()
        raise DeviceError(f"{host}:{port} cannot be listened on: {error.strerror}.") from error
    return bound
