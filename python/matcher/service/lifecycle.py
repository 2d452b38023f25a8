"""A process that serves: from its App to the signal that ends it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from matcher.app import App
from matcher.service.server import MatcherServer

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


async def serve_until_signalled(app: App, on_ready: Callable[[MatcherServer], None]) -> bool:
    """Serve until SIGTERM or SIGINT, then finish what is in flight; False when that took too long.

    A second signal ends the wait. `on_ready` is called when all addresses answer. Raises AddressError.
    """
    server = MatcherServer(app)
    asked, asked_again = asyncio.Event(), asyncio.Event()

    def on_signal() -> None:
        (asked_again if asked.is_set() else asked).set()

    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, on_signal)
    try:
        await server.start()
        on_ready(server)
        await asked.wait()
        stopping = asyncio.ensure_future(server.stop())
        hurried = asyncio.ensure_future(asked_again.wait())
        await asyncio.wait((stopping, hurried), return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            server.hurry()
        hurried.cancel()
        return await stopping
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


def run(app: App, on_ready: Callable[[MatcherServer], None]) -> bool:
    """`serve_until_signalled` on an event loop of its own: uvloop's where there is one."""
    try:
        import uvloop
    except ImportError:  # not on Windows
        return asyncio.run(serve_until_signalled(app, on_ready))
    return uvloop.run(serve_until_signalled(app, on_ready))
