"""One session: the server holds one scene and one size of each view, so one tab at a time may use it."""

import asyncio
import time

from aiohttp import web

from CEMSynthLib.browser.closed_page import closed_page
from CEMSynthLib.browser.guard import PAGES, Handler

WEBSOCKET = "/ws"
#: A page whose connection was closed asks here whether another tab has it.
SESSION = "/session"
# A page that is loaded again closes its connection just before it asks for the page.
_WAIT_S = 1.5
# How long a tab that takes over has time to connect before others may.
_RESERVED_S = 20.0


class OneSession:
    """Lets one websocket through and tells other tabs about it."""

    def __init__(self) -> None:
        self._live: web.Request | None = None
        self._free = asyncio.Event()
        self._free.set()
        self._reserved_until = 0.0

    @property
    def open(self) -> bool:
        """Whether a tab uses the server, or is about to after it took over."""
        return self._live is not None or time.monotonic() < self._reserved_until

    def install(self, application: web.Application) -> None:
        """Put this before all routes of an application, behind the guard."""
        application.middlewares.append(self.check)
        application.router.add_get(SESSION, self._tell)

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Serve the page or the websocket if no other tab is open."""
        if request.path == WEBSOCKET:
            return await self._websocket(request, handler)
        if request.path in PAGES and self.open:
            if "here" in request.query:
                self._close()
                self._reserved_until = time.monotonic() + _RESERVED_S
            elif not await self._becomes_free() or self.open:
                return closed_page(
                    409,
                    "This review is open in another tab",
                    "One tab at a time can use it. Your work is kept either way.",
                    ("/?here=1", "Use it in this tab"),
                )
        return await handler(request)

    async def _websocket(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not await self._becomes_free() or self._live is not None:
            raise web.HTTPConflict(text="Another tab is open.")
        self._live = request
        self._reserved_until = 0.0
        self._free.clear()
        try:
            return await handler(request)
        finally:
            if self._live is request:
                self._live = None
                self._free.set()

    async def _tell(self, request: web.Request) -> web.Response:
        return web.json_response({"open": self.open})

    def _close(self) -> None:
        live, self._live = self._live, None
        self._free.set()
        if live is not None and live.transport is not None:
            live.transport.close()

    async def _becomes_free(self) -> bool:
        try:
            await asyncio.wait_for(self._free.wait(), _WAIT_S)
        except TimeoutError:
            return False
        return True
