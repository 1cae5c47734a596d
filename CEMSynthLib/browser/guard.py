"""Guard: who may talk to the server. Only this computer's browser, from the page itself, with the key of this start.

wslink checks neither Host nor Origin of its websocket, so any page that the user has open could drive the server. Here
every request must name this server as its host, come from this server's own page, and carry the key: in the address
once, then in a cookie that scripts cannot read and that no other site's request carries.
"""

import hmac
import time
from collections.abc import Awaitable, Callable, Collection

from aiohttp import web

from CEMSynthLib.browser.closed_page import closed_page

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PAGES = ("/", "/index.html")
_TICKET_S = 120.0
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
# Vue compiles templates in the browser, which needs eval; everything else comes from this server only.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Checks every request before anything else sees it.

    Parameters
    ----------
    key
        Of this start.
    hosts
        Names that the server may be called by, without port.
    ticket
        Opens the page once, soon after the start: it is for a browser's command line, which other users can read.
    """

    def __init__(self, key: str, hosts: Collection[str] = LOOPBACK, ticket: str = "") -> None:
        self._key = key
        self._ticket = ticket
        self._ticket_until = time.monotonic() + _TICKET_S
        self._hosts = frozenset(host.lower() for host in hosts)

    def install(self, application: web.Application) -> None:
        """Put the guard before all routes of an application, and safe headers on all its answers."""
        application.middlewares.append(self.check)
        application.on_response_prepare.append(_add_headers)

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let a request through, or answer 403."""
        if not self._same_server(request):
            raise web.HTTPForbidden(text="This server answers its own page only.")
        cookie = f"cemsynth-{_port(request)}"
        if request.path in PAGES:
            return await self._page(request, handler, cookie)
        if not self._is_key(request.cookies.get(cookie)):
            raise web.HTTPForbidden(text="The key is missing; open the address that cemsynth printed.")
        return await handler(request)

    async def _page(self, request: web.Request, handler: Handler, cookie: str) -> web.StreamResponse:
        if request.method != "GET":
            raise web.HTTPMethodNotAllowed(request.method, ["GET"])
        if not self._is_key(request.query.get("secret")):
            if not self._uses_ticket(request.query.get("ticket")) and not self._is_key(request.cookies.get(cookie)):
                return closed_page(
                    403,
                    "This address needs the key of this start",
                    "Open the address that cemsynth printed where it was started; it holds the key.",
                )
            # The page takes the key out of the address bar; a reload brings only the cookie.
            raise web.HTTPFound(f"/index.html?{self._query(request)}")
        if request.path == "/":
            response: web.StreamResponse = web.Response(
                status=302, headers={"Location": f"/index.html?{self._query(request)}"}
            )
        else:
            response = await handler(request)
        response.set_cookie(cookie, self._key, httponly=True, samesite="Strict", path="/", secure=request.secure)
        response.headers["Cache-Control"] = "no-store"
        return response

    def _query(self, request: web.Request) -> str:
        here = "&here=1" if "here" in request.query else ""
        return f"secret={self._key}{here}"

    def _uses_ticket(self, given: str | None) -> bool:
        if not self._ticket or given is None or time.monotonic() > self._ticket_until:
            return False
        if not hmac.compare_digest(given.encode(), self._ticket.encode()):
            return False
        self._ticket = ""
        return True

    def _is_key(self, given: str | None) -> bool:
        return given is not None and hmac.compare_digest(given.encode(), self._key.encode())

    def _same_server(self, request: web.Request) -> bool:
        host = request.headers.get("Host", "").lower()
        name, colon, port = host.rpartition(":")
        if not colon or port != str(_port(request)) or name not in self._hosts:
            return False
        origin = request.headers.get("Origin")
        if origin is not None and origin.lower() != f"{request.scheme}://{host}":
            return False
        # Browsers say where a request comes from; a link or a form of another site may not reach more than the page.
        site = request.headers.get("Sec-Fetch-Site", "none")
        return site in ("none", "same-origin") or (request.path in PAGES and request.method == "GET")


def _port(request: web.Request) -> int:
    name = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return int(name[1]) if name else 0


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
