"""Who may call what: the caller's SPIFFE identity against the list of the configuration, before anything is decoded."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any

import grpc
import structlog

from matcher.service.metrics import ServiceMetrics
from matcher.wire import Refusal, encode_status

_HEALTH = "grpc.health.v1.Health/"
_DETAILS_KEY = "grpc-status-details-bin"
_Context = grpc.aio.ServicerContext[Any, Any]


def identity(context: _Context) -> str:
    """The SPIFFE id in the caller's verified certificate; empty without one."""
    ids: Iterable[bytes] = context.auth_context().get("peer_spiffe_id") or ()
    return next((value.decode("ascii", "replace") for value in ids), "")


class AllowList:
    """Rules "SPIFFE-ID METHOD"; "*" in either stands for any text without a "/"."""

    def __init__(self, rules: Sequence[str]) -> None:
        self._rules = [(_pattern(caller), _pattern(method)) for caller, method in map(str.split, rules)]

    def permits(self, caller: str, method: str) -> bool:
        """Whether any rule lets the caller call the method ("package.Service/Method")."""
        return any(known.fullmatch(caller) and named.fullmatch(method) for known, named in self._rules)


class Authorization(grpc.aio.ServerInterceptor):
    """Ends calls that no rule permits with PERMISSION_DENIED.

    Health is open to every caller that got a connection. Calls over a Unix socket are not looked at: whoever may open
    its file has been permitted by the file system.
    """

    def __init__(self, rules: Sequence[str], metrics: ServiceMetrics) -> None:
        self._allow = AllowList(rules)
        self._metrics = metrics
        self._log = structlog.get_logger("matcher.service")

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """The method's handler behind the check."""
        handler: Any = await continuation(handler_call_details)
        method = handler_call_details.method.removeprefix("/")
        if handler is None or method.startswith(_HEALTH):
            return handler  # type: ignore[no-any-return]
        many = handler.request_streaming, handler.response_streaming
        asked, answered = ("stream" if one else "unary" for one in many)
        kind = f"{asked}_{answered}"
        make: Any = getattr(grpc, f"{kind}_rpc_method_handler")
        guarded = self._guarded(method, getattr(handler, kind))
        return make(guarded, handler.request_deserializer, handler.response_serializer)  # type: ignore[no-any-return]

    def _guarded(self, method: str, behaviour: Any) -> Any:
        if inspect.isasyncgenfunction(behaviour):

            async def stream(request: Any, context: _Context) -> AsyncIterator[Any]:
                await self._check(method, context)
                async for reply in behaviour(request, context):
                    yield reply

            return stream

        async def answer(request: Any, context: _Context) -> Any:
            await self._check(method, context)
            return await behaviour(request, context)

        return answer

    async def _check(self, method: str, context: _Context) -> None:
        if context.peer().startswith("unix:"):
            return
        caller = identity(context)
        if self._allow.permits(caller, method):
            return
        self._metrics.call(method, grpc.StatusCode.PERMISSION_DENIED.name, 0.0)
        self._log.warning("call denied", method=method, caller=caller, peer=context.peer())
        refusal = Refusal.denied(f"{caller or 'a caller without a SPIFFE id'} may not call {method}")
        await context.abort(
            grpc.StatusCode.PERMISSION_DENIED, refusal.message, ((_DETAILS_KEY, encode_status(refusal)),)
        )


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile("[^/]*".join(map(re.escape, text.split("*"))))
