"""A process that serves: from its App to the signal that ends it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

import structlog

from matcher.app import App, Config, ConfigError
from matcher.service.server import MatcherServer, MetricsPage

Reload = Callable[[], Config]
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


async def serve_until_signalled(
    app: App, on_ready: Callable[[MatcherServer], None], reload: Reload, metrics_page: MetricsPage
) -> bool:
    """Serve until SIGTERM or SIGINT, then finish what is in flight; False when that took too long.

    A second signal ends the wait. SIGHUP takes over the policies that `reload` reads; when it raises ConfigError, the
    ones in force stay. `on_ready` is called when all addresses answer. Raises AddressError, SelfTestError, OSError.
    """
    server = MatcherServer(app, metrics_page)
    log = structlog.get_logger("matcher.service")
    asked, asked_again = asyncio.Event(), asyncio.Event()

    def on_signal() -> None:
        (asked_again if asked.is_set() else asked).set()

    def on_hangup() -> None:
        try:
            ignored = app.reload(reload())
        except ConfigError as error:
            log.error("reload refused", problems=error.problems)
        else:
            log.info("reloaded", config=app.config.digest, needs_restart=ignored)

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, on_hangup)
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
        for number in (*_SIGNALS, signal.SIGHUP):
            loop.remove_signal_handler(number)


def run(app: App, on_ready: Callable[[MatcherServer], None], reload: Reload, metrics_page: MetricsPage) -> bool:
    """`serve_until_signalled` on an event loop of its own: uvloop's where there is one."""
    serving = serve_until_signalled(app, on_ready, reload, metrics_page)
    try:
        import uvloop
    except ImportError:  # not on Windows
        return asyncio.run(serving)
    return uvloop.run(serving)
