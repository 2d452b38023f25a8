"""A real gRPC server in this process, for commands that play a market through one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from matcher.app import App, Config
from matcher.service import MatcherServer


@contextmanager
def local_server(config: Config) -> Iterator[str]:
    """Serve `config` on a free port of the loopback interface; gives "host:port", and drains at the end."""
    config = replace(config, server=replace(config.server, listen=("127.0.0.1:0",)))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="matcher-server", daemon=True)
    thread.start()
    try:
        with App(config) as app:
            server = asyncio.run_coroutine_threadsafe(_started(app), loop).result()
            try:
                yield server.addresses[0]
            finally:
                asyncio.run_coroutine_threadsafe(server.stop(), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _started(app: App) -> MatcherServer:
    server = MatcherServer(app)
    await server.start()
    return server
