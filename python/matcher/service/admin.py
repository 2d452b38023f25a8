"""The admin port: plain HTTP for the people and machines that keep a server, never for its callers.

It runs on threads of its own: it must answer when the event loop does not, and say so.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, str, str]
"""Status, content type, text."""
Page = Callable[[Mapping[str, str]], Answer]
"""Takes the query, and under ACCEPT the header of that name."""
ACCEPT = "Accept:"
_MAX_PROFILE_SECONDS = 30.0
_SAMPLE_SECONDS = 0.005


def plain(text: str, status: int = 200) -> Answer:
    """A page of text."""
    return status, "text/plain; charset=utf-8", text if text.endswith("\n") else text + "\n"


class AdminServer:
    """Serves pages by path until `close`."""

    def __init__(self, address: str, pages: Mapping[str, Page]) -> None:
        """`address`: "host:port", port 0 for any free one. OSError: it cannot be bound."""
        host, _, port = address.rpartition(":")
        handler = type("Handler", (_Handler,), {"pages": dict(pages)})
        self._http = ThreadingHTTPServer((host.strip("[]"), int(port)), handler)
        self._http.daemon_threads = True
        self.address = f"{host}:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, name="admin", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    pages: Mapping[str, Page]
    timeout = 10

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        page = self.pages.get(parts.path)
        query = {key: values[-1] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        if page is None:
            status, kind, text = plain("\n".join(sorted(self.pages)), 404 if parts.path != "/" else 200)
        else:
            status, kind, text = page({**query, ACCEPT: self.headers.get("Accept", "")})
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Probes come every second; they are not worth a line each."""


def stacks(_: Mapping[str, str]) -> Answer:
    """What every thread is doing."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    parts = [
        f"--- {names.get(identity, identity)}\n{''.join(traceback.format_stack(frame))}"
        for identity, frame in sys._current_frames().items()
    ]
    return plain("\n".join(parts))


def profile(query: Mapping[str, str]) -> Answer:
    """Where all threads spend `seconds` (default 2): sampled stacks, folded, most frequent first."""
    try:
        seconds = min(_MAX_PROFILE_SECONDS, float(query.get("seconds", "2")))
    except ValueError:
        return plain("seconds must be a number", 400)
    end, me = time.monotonic() + seconds, threading.get_ident()
    seen: Counter[str] = Counter()
    while time.monotonic() < end:
        for identity, frame in sys._current_frames().items():
            if identity != me:
                calls = [f"{entry.f_code.co_name}" for entry, _ in traceback.walk_stack(frame)]
                seen[";".join(reversed(calls))] += 1
        time.sleep(_SAMPLE_SECONDS)
    return plain("\n".join(f"{stack} {count}" for stack, count in seen.most_common()))


def as_json(value: object) -> Answer:
    """A page of JSON."""
    return 200, "application/json", json.dumps(value, indent=2, default=str) + "\n"
