"""The server: addresses, services, health, reflection, and an end that loses no call."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace

import grpc
import structlog
from grpc_channelz.v1 import channelz
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from matcher.app import App
from matcher.app.self_test import SelfTestError
from matcher.service.admin import ACCEPT, AdminServer, Answer, Page, as_json, plain, profile, stacks
from matcher.service.admission import Claim, Workers
from matcher.service.authorization import Authorization
from matcher.service.calls import GIVE_UP_SECONDS, Calls
from matcher.service.capabilities import GET_CAPABILITIES, CapabilityMethods
from matcher.service.credentials import ServerCertificate
from matcher.service.margin import ReplyMargins
from matcher.service.methods import EXPLAIN, MATCH, PROPOSE_BATCHES, SOLVE, Methods
from matcher.service.metrics import ServiceMetrics
from matcher.service.routing import INSERT, STREAM_OPTIMIZE, RoutingMethods
from matcher.service.sessions import STREAM, Sessions
from matcher.service.sockets import AddressError, UnixSocket
from matcher.service.solve_streams import STREAM_SOLVE, SolveStreams

SERVICES = tuple(sorted({method.partition("/")[0] for method in (MATCH, EXPLAIN, PROPOSE_BATCHES, SOLVE, INSERT,
                                                              GET_CAPABILITIES)}))  # fmt: skip
_LAST_GRACE_SECONDS = 0.5
_BEAT_SECONDS = 0.02
_SILENT_SECONDS = 5.0
"""An event loop that has not turned for so long is stuck."""
_QUIET_SECONDS = 0.1
"""A drain ends when nothing has been in flight for so long."""


MetricsPage = Callable[[str], tuple[str, str]] | None


class MatcherServer:
    """One gRPC server around an App. Use it on one event loop: `start`, then `stop`.

    The App is the caller's: it is not closed here.
    """

    def __init__(self, app: App, metrics_page: MetricsPage = None) -> None:
        """`metrics_page` gives content type and text of the admin port's /metrics for an Accept header."""
        config = app.config.server
        self._app = app
        self._config = config
        self._tls = app.config.tls
        self._credentials: grpc.ServerCredentials | None = None
        self._log = structlog.get_logger("matcher.service")
        self.workers = Workers(
            config.worker_threads,
            config.queue_calls,
            config.queue_target_ms / 1e3,
            config.queue_longest_wait,
            config.kernel_nice,
        )
        self._metrics = ServiceMetrics(
            lambda: self.workers.admitted, lambda: self.workers.expected_wait(), lambda: app.journal.counts
        )
        self.margins = ReplyMargins(config.reply_margin_ms / 1e3, GIVE_UP_SECONDS)
        self._metrics.watch(self.workers, self.margins)
        self.workers.on_lag = self.margins.late
        self.calls = Calls(
            self._metrics,
            self.margins,
            config.default_deadline_ms / 1e3,
            config.longest_deadline_ms / 1e3,
            app.config.telemetry.log_calls,
            {name: Claim(name, method.priority, method.share) for name, method in config.methods.items()},
        )
        self.methods = Methods(app, self.workers, self._metrics)
        self.solve_streams = SolveStreams(app, self.workers)
        self.routing = RoutingMethods(app, self.workers, self.methods.once)
        self.sessions = Sessions(app, self.workers, self.methods, self._metrics, self.margins)
        self._health = health.aio.HealthServicer()
        self._server: grpc.aio.Server | None = None
        self._sockets: list[UnixSocket] = []
        self._metrics_page = metrics_page
        self._admin: AdminServer | None = None
        self.admin_address = ""
        """Of the admin port; empty without one."""
        self._beat = time.monotonic()
        self._draining = False
        self._hurried = False
        self.stopped = False
        self.addresses: tuple[str, ...] = ()
        """Where the server can be reached, once it has started."""

    async def start(self) -> None:
        """Test this build, bind all addresses and serve. Raises SelfTestError, AddressError, CertificateError,
        OSError."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._app.self_test)
        server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", self._config.max_message_bytes),
                ("grpc.max_send_message_length", self._config.max_message_bytes),
                ("grpc.so_reuseport", 0),
                ("grpc.max_connection_age_ms", self._config.connection_age_seconds * 1000),
                # Calls in flight have the drain's time; sessions outlive their connection's age and end by themselves.
                (
                    "grpc.max_connection_age_grace_ms",
                    int(max(self._config.drain_seconds, self._config.session_seconds) * 1000),
                ),
            ],
            interceptors=[Authorization(self._tls.allow, self._metrics)] if self._tls.allow else None,
        )
        if self._tls.certificate:
            self._credentials = ServerCertificate(self._tls, self._metrics.certificate).credentials()
        bodies = {**self.methods.unary, **self.routing.unary}
        bodies[GET_CAPABILITIES] = CapabilityMethods(
            self._app, [*bodies, STREAM, STREAM_OPTIMIZE, STREAM_SOLVE, GET_CAPABILITIES]
        ).get
        for full_name, body in bodies.items():
            service, _, method = full_name.partition("/")
            handler = grpc.method_handlers_generic_handler(service, {method: self.calls.handler(full_name, body)})
            server.add_generic_rpc_handlers((handler,))
        streams = {
            STREAM: self.sessions.handler(),
            STREAM_OPTIMIZE: self.calls.streaming_handler(STREAM_OPTIMIZE, self.routing.stream_optimize),
            STREAM_SOLVE: self.calls.parts_handler(STREAM_SOLVE, self.solve_streams.solve),
        }
        for full_name, stream in streams.items():
            service, _, method = full_name.partition("/")
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: stream}),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        if self._config.reflection:
            names = (*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME)
            reflection.enable_server_reflection(names, server)
        if self._config.channelz:
            channelz.add_channelz_servicer(server)
        self.addresses = tuple(self._bind(server, address) for address in self._config.listen)
        await server.start()
        self._server = server
        for socket in self._sockets:
            socket.publish()
        await self._set_health(health_pb2.HealthCheckResponse.SERVING)
        self._beating = loop.create_task(self._beat_on())
        if self._config.admin:
            self._admin = AdminServer(self._config.admin, self._pages())
            self.admin_address = self._admin.address
        self._log.info("serving", addresses=self.addresses, build=self._app.build.version)

    async def stop(self, seconds: float | None = None) -> bool:
        """Finish what is in flight and stop; False when `seconds` (default: those of the lame duck and of the drain)
        did not suffice.

        First health says NOT_SERVING and Unix sockets lose their published name, so that nobody new comes; calls go
        on being answered until connections have aged out and nothing has been in flight for a moment. Only then is
        the server stopped, because stopping it cancels calls that it has taken and not yet handed over.
        """
        assert self._server is not None, "the server has not started"
        begin = time.monotonic()
        end = begin + (self._config.lame_duck_seconds + self._config.drain_seconds if seconds is None else seconds)
        self._draining = True
        await self._health.enter_graceful_shutdown()
        for socket in self._sockets:
            socket.withdraw()
        self.sessions.end()
        self._log.info("draining", in_flight=self.calls.in_flight)
        while time.monotonic() < end and not self._hurried:
            now = time.monotonic()
            quiet = now - max(self.calls.last_end, begin) >= _QUIET_SECONDS
            if self.calls.in_flight == 0 and quiet and now - begin >= self._config.lame_duck_seconds:
                break
            await asyncio.sleep(0.01)
        finished = self.calls.in_flight == 0
        await self._server.stop(_LAST_GRACE_SECONDS if finished else 0.0)
        for socket in self._sockets:
            socket.remove()
        await asyncio.get_running_loop().run_in_executor(None, self._close_threads)
        self._beating.cancel()
        self.stopped = True
        self._log.info("stopped", finished=finished)
        return finished

    def hurry(self) -> None:
        """Cut a `stop` in progress short."""
        self._hurried = True

    def checks(self) -> dict[str, str]:
        """What readiness depends on: "ok", or what is wrong."""
        silent = time.monotonic() - self._beat
        lost = self._app.journal.counts.last_error
        return {
            "event-loop": "ok" if silent < _SILENT_SECONDS else f"has not turned for {silent:.1f} s",
            "journal": "ok" if not lost else f"the last write failed: {lost}",
            "serving": "ok" if not self._draining else "is draining",
        }

    async def _beat_on(self) -> None:
        while True:
            self._beat = time.monotonic()
            await asyncio.sleep(_BEAT_SECONDS)
            self.margins.late(time.monotonic() - self._beat - _BEAT_SECONDS)

    def _close_threads(self) -> None:
        self.workers.close()
        if self._admin is not None:
            self._admin.close()

    def _pages(self) -> dict[str, Page]:
        def livez(_: Mapping[str, str]) -> Answer:
            state = self.checks()["event-loop"]
            return plain(state, 200 if state == "ok" else 503)

        def readyz(query: Mapping[str, str]) -> Answer:
            checks = self.checks()
            good = all(state == "ok" for state in checks.values())
            text = "\n".join(f"{name}: {state}" for name, state in checks.items())
            return plain(text if "verbose" in query or not good else "ok", 200 if good else 503)

        def metrics(query: Mapping[str, str]) -> Answer:
            if self._metrics_page is None:
                return plain("metrics are off", 404)
            return 200, *self._metrics_page(query[ACCEPT])

        def configz(_: Mapping[str, str]) -> Answer:
            config = self._app.config
            return as_json(asdict(replace(config, policies=dict(config.policies))) | {"digest": config.digest})

        def tested(_: Mapping[str, str]) -> Answer:
            try:
                self._app.self_test()
            except SelfTestError as error:
                return plain(str(error), 500)
            return plain("ok")

        return {
            "/livez": livez,
            "/readyz": readyz,
            "/metrics": metrics,
            "/configz": configz,
            "/debug/stacks": stacks,
            "/debug/profile": profile,
            "/debug/self-test": tested,
        }

    def _bind(self, server: grpc.aio.Server, address: str) -> str:
        if address.startswith("unix:"):
            socket = UnixSocket.of(address, os.getpid())
            socket.prepare()
            try:
                server.add_insecure_port(f"unix:{socket.bound}")
            except RuntimeError as error:
                raise AddressError(f"{address}: cannot be bound: {error}") from None
            self._sockets.append(socket)
            return f"unix:{socket.published}"
        try:
            if self._credentials is None:
                port = server.add_insecure_port(address)
            else:
                port = server.add_secure_port(address, self._credentials)
        except RuntimeError as error:
            raise AddressError(f"{address}: cannot be bound: {error}") from None
        return f"{address.rpartition(':')[0]}:{port}"

    async def _set_health(self, status: health_pb2.HealthCheckResponse.ServingStatus) -> None:
        for service in ("", *SERVICES):
            await self._health.set(service, status)
