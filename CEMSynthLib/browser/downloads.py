"""Downloads: files that the page may fetch, each under an address that was made for it."""

import secrets
from pathlib import Path

from aiohttp import web

_ROUTE = "/download"


class Downloads:
    """Offers files and serves them; nothing else of the disk can be reached."""

    def __init__(self) -> None:
        self._offered: dict[str, tuple[Path, str]] = {}

    def add_routes(self, application: web.Application) -> None:
        """Serve the route of downloads."""
        application.router.add_get(_ROUTE + "/{ticket}/{name}", self.give)

    def offer(self, path: Path, name: str) -> str:
        """Offer a file under a name; returns its address on this server."""
        ticket = secrets.token_urlsafe(12)
        self._offered[ticket] = (path, name)
        return f"{_ROUTE}/{ticket}/{name}"

    async def give(self, request: web.Request) -> web.StreamResponse:
        """Give a file to the page."""
        path, name = self._offered.get(request.match_info["ticket"], (None, ""))
        if path is None or name != request.match_info["name"] or not path.is_file():
            raise web.HTTPNotFound(text="There is no such file any more; make it again.")
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return web.FileResponse(path, headers=headers)
