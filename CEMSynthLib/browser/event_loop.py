"""Event loop: the one that the server runs or will run; panels are made before it runs."""

import asyncio


def event_loop() -> asyncio.AbstractEventLoop:
    """The server's event loop."""
    from trame_server.utils.asynchronous import get_event_loop

    loop: asyncio.AbstractEventLoop = get_event_loop()
    return loop
