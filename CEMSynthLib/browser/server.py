"""Server: trame's server, bound to one address, guarded, with no time-out that would throw work away."""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from CEMSynthLib.browser.errors import ReviewError
from CEMSynthLib.browser.guard import LOOPBACK, Guard
from CEMSynthLib.browser.one_session import OneSession

PAGE_FOLDER = Path(__file__).with_name("page")
_PAGE_URL = "__cemsynth"


@dataclass(frozen=True)
class Address:
    """Where the page is.

    Parameters
    ----------
    host
        Address to bind to.
    port
        0: one that is free.
    key
        Who knows it may open the page; made anew for each start.
    ticket
        Opens the page once.
    """

    host: str = "127.0.0.1"
    port: int = 0
    key: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    ticket: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def local(self) -> bool:
        """Whether only this computer can reach it."""
        return self.host in LOOPBACK

    @property
    def names(self) -> tuple[str, ...]:
        """Names that a browser may call the server by."""
        return LOOPBACK if self.local else (*LOOPBACK, self.host)

    def url(self, port: int) -> str:
        """What the user opens."""
        return f"http://{self.host}:{port}/?secret={self.key}"

    def url_once(self, port: int) -> str:
        """What this program opens: other users of this computer can read a browser's command line."""
        return f"http://{self.host}:{port}/?ticket={self.ticket}"


def make_server(address: Address) -> Any:
    """Make the trame server with the key of an address.

    Returns
    -------
    trame_server.Server
    """
    # trame would read the command line of cemsynth as its own.
    os.environ["TRAME_ARGS"] = ""
    from trame_server import Server

    server = Server("cemsynth")
    server.client_type = "vue3"
    # Pictures are compressed already.
    server.cli.set_defaults(authKey=address.key, nowscompress=True)
    server.enable_module(
        {
            "serve": {_PAGE_URL: str(PAGE_FOLDER)},
            "scripts": [f"{_PAGE_URL}/cemsynth.js"],
            "styles": [f"{_PAGE_URL}/cemsynth.css", f"{_PAGE_URL}/panels.css"],
        }
    )
    server.state.trame__title = "CEMSynth review"
    server.state.trame__favicon = f"{_PAGE_URL}/favicon.png"
    return server


def run_server(
    server: Any, address: Address, routes: Callable[[web.Application], None], on_ready: Callable[[int], None]
) -> None:
    """Serve until the process is asked to end (Ctrl-C or a polite kill).

    Parameters
    ----------
    server
        From `make_server`.
    address
        Where to bind.
    routes
        Adds the routes of uploads and downloads; the guard stands before them.
    on_ready
        Gets the port when the page can be opened.

    Raises
    ------
    ReviewError
        The address cannot be bound to.
    """

    def bind(web_server: Any) -> None:
        Guard(address.key, address.names, address.ticket).install(web_server.app)
        OneSession().install(web_server.app)
        routes(web_server.app)

    server.controller.on_server_bind.add(bind)
    server.controller.on_server_ready.add(lambda **_: on_ready(int(server.port)))
    try:
        server.start(
            port=address.port,
            host=address.host,
            open_browser=False,
            show_connection_info=False,
            # wslink's default ends the process five minutes after the last tab was closed, and the scene with it.
            timeout=0,
        )
    except OSError as error:
        raise ReviewError(
            f"The page cannot be served at {address.host}, port {address.port}: {error.strerror}; choose another port."
        ) from error
