"""The configuration of a process: one TOML file, parsed once into one frozen tree.

A section a room; the defaults below are the product's. A key that does not exist, a value of another type and a
policy that cannot work are refused, all at once, each with its path. `Config.digest` is in every journal record.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from matcher.app.binding import bind, nearest
from matcher.app.policies import built_in_policies, policy_problems
from matcher.domain import Limits, Policy
from matcher.journal import JournalSettings
from matcher.kernels.batch import MAX_BUNDLE_ORDERS
from matcher.wire import method_names


class ConfigError(ValueError):
    """The configuration cannot be used; one line a problem."""

    def __init__(self, source: str, problems: list[str]) -> None:
        self.source, self.problems = source, tuple(problems)
        super().__init__("\n".join(f"{source}: {problem}" for problem in problems))


_LEAST = {"max_message_bytes": 1024, "default_deadline_ms": 1, "brownout_budget_ms": 1, "idempotency_entries": 1,
          "connection_age_seconds": 1, "longest_deadline_ms": 1, "queue_target_ms": 1}  # fmt: skip
"""Least values of server settings that may not be 0."""
_MOST = {"effort_bundle_orders": MAX_BUNDLE_ORDERS, "effort_iterations": 1 << 40, "effort_exact_iterations": 1 << 40}
"""Largest values of limits that are not those of an int32."""


@dataclass(frozen=True, slots=True)
class MethodConfig:
    """How calls of one method compete for threads."""

    priority: int = 0
    """Lower goes first; when the queue is full a call takes the place of one with a higher number."""
    share: float = 1.0
    """Of the calls that may be worked on or wait, at most this share may be of this method."""

    def __post_init__(self) -> None:
        if not 0.0 < self.share <= 1.0:
            raise ValueError(f"share must be above 0 and at most 1, is {self.share}")


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """The gRPC server."""

    listen: tuple[str, ...] = ("127.0.0.1:50051",)
    """Addresses: "host:port" (port 0: any free one) or "unix:/path/to/socket"."""
    admin: str = ""
    """"host:port" of the HTTP port for probes, metrics and debugging; empty: none."""
    worker_threads: int = 0
    """Threads for kernels; 0: one a processor."""
    kernel_nice: int = 5
    """How far these threads step back for others on Linux, as nice(1) says it: at 5 they have a third of the weight
    of the event loop's thread and of gRPC's, which all callers wait for. Where those rest it costs nothing."""
    queue_calls: int = 64
    """Calls that may wait for a thread at most; one more is refused with RESOURCE_EXHAUSTED. Fewer are let in while
    all of them wait longer than queue_target_ms."""
    queue_target_ms: int = 25
    """A wait that every call may have; never less than what one call takes."""
    queue_longest_wait: float = 2.0
    """The longest that a call may wait, in times of a mean call, where that is more than queue_target_ms: one that
    would wait longer is refused at once, and told when there will be room. More lets bursts wait here instead, and lets
    every call take as much longer while load is above what the threads can do."""
    methods: Mapping[str, MethodConfig] = field(default_factory=dict)
    """By full name, e.g. "matcher.v1.MatchingService/Match": who goes first when calls wait."""
    brownout_queue_share: float = 0.5
    """While the queue is fuller than this, decisions are planned with brownout_budget_ms at most."""
    brownout_budget_ms: int = 50
    idempotency_seconds: float = 60.0
    """For so long a repeated idempotency key gets the bytes of the first answer."""
    idempotency_entries: int = 1_024
    idempotency_orphan_ms: int = 200
    """For so long work goes on that its caller has left: a retry may come for it. Without a key it ends at once."""
    kept_fleets: int = 16
    """Fleets kept for InsertOrder by token, those used last; 1,000 couriers with their routes take about 2 MB."""
    sessions: int = 64
    """StreamMatch sessions open at once; each holds a market of max_message_bytes at most."""
    session_idle_seconds: float = 60.0
    """A session without a message for so long is ended."""
    session_seconds: float = 3_600.0
    """The age at which a session is ended: its client begins a new one, with what it knows."""
    inline_bytes: int = 2_048
    """Requests up to this size, a dozen orders and couriers, are decided without changing threads."""
    max_message_bytes: int = 32 << 20
    """Largest request and largest reply."""
    default_deadline_ms: int = 5_000
    """For calls without a deadline."""
    longest_deadline_ms: int = 120_000
    """Later deadlines count as this one, so that no call can occupy a thread for longer."""
    reply_margin_ms: int = 10
    """Decisions are planned to be ready so long before the caller's deadline until a hundred replies of the method were
    measured; from then on it is what 99.9 % of them took, plus 3 ms."""
    drain_seconds: float = 20.0
    """After SIGTERM: how long calls in flight may take."""
    lame_duck_seconds: float = 0.0
    """After SIGTERM: how long to go on in any case, while health says NOT_SERVING and balancers take note."""
    connection_age_seconds: int = 5
    """Connections are told to reconnect after so long, calls in flight finishing. A drain lasts about as long: then
    every client has gone to a successor. It also spreads clients over new replicas."""
    reflection: bool = False
    """Whether tools may ask for the contract."""
    channelz: bool = False
    """Whether tools may ask for gRPC's own view of its connections."""

    def __post_init__(self) -> None:
        for setting in fields(self):
            value, least = getattr(self, setting.name), _LEAST.get(setting.name, 0)
            if isinstance(value, (int, float)) and not value >= least:
                raise ValueError(f"{setting.name} must be at least {least}, is {value}")
        if self.kernel_nice > 19:
            raise ValueError(f"kernel_nice must be at most 19, is {self.kernel_nice}")
        for address in self.listen:
            scheme, _, rest = address.rpartition(":")
            if not address.startswith("unix:") and not (scheme and rest.isdigit() and int(rest) < 65_536):
                raise ValueError(f'listen: {address!r} is neither "host:port" nor "unix:/path"')
        if self.admin and not self.admin.rpartition(":")[2].isdigit():
            raise ValueError(f'admin: {self.admin!r} is not "host:port"')
        for name in self.methods:
            if name not in method_names():
                raise ValueError(f"methods: there is no method {name!r}{nearest(name, sorted(method_names()))}")
        if not self.listen:
            raise ValueError("listen must name at least one address")


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """TLS of TCP addresses, and who may call what. Unix sockets are guarded by their file's permissions."""

    certificate: str = ""
    """PEM file of the server's certificate and those between it and its root; empty: TCP is in clear."""
    key: str = ""
    """PEM file of its private key."""
    client_ca: str = ""
    """PEM file of the authorities that sign callers' certificates (mTLS); empty: callers show none."""
    allow: tuple[str, ...] = ()
    """Rules "SPIFFE-ID METHOD", "*" standing for any text without a "/", e.g. "spiffe://prod/ns/dispatch/sa/*
    matcher.v1.MatchingService/*"; empty: every caller may call everything."""

    def __post_init__(self) -> None:
        if bool(self.certificate) != bool(self.key):
            raise ValueError("certificate and key belong together")
        if self.client_ca and not self.certificate:
            raise ValueError("client_ca needs a certificate and key of the server's own")
        if self.allow and not self.client_ca:
            raise ValueError("allow needs client_ca: without it no caller has a name")
        for rule in self.allow:
            caller, _, method = rule.partition(" ")
            if not caller.startswith("spiffe://") or method.count("/") != 1 or len(rule.split()) != 2:
                raise ValueError(f'allow: {rule!r} is not "spiffe://... package.Service/Method"')


@dataclass(frozen=True, slots=True)
class LimitsConfig(Limits):
    """Sizes of requests; see also server.max_message_bytes."""

    solve_cells: int = 1 << 22
    """Cells of a dense cost matrix, or pairs of a sparse one."""
    solve_side: int = 1 << 20
    """Rows, and columns, of a cost matrix."""
    stream_cells: int = 1 << 26
    """Cells, or pairs, of all cost matrices that are being streamed or solved from a stream; 8 and 16 bytes each."""
    insert_orders: int = 1_000
    """Orders of one InsertOrder request."""

    def __post_init__(self) -> None:
        for limit in fields(self):
            most = _MOST.get(limit.name, (1 << 31) - 1)
            if not 1 <= getattr(self, limit.name) <= most:
                raise ValueError(f"{limit.name} must be between 1 and {most}, is {getattr(self, limit.name)}")


@dataclass(frozen=True, slots=True)
class JournalConfig(JournalSettings):
    """The decision journal."""

    directory: str = ""
    """Where segments are written; empty: no journal is kept."""


@dataclass(frozen=True, slots=True)
class TelemetryConfig:
    """Logs. Traces and metrics are exported when the standard OTEL_* variables ask for it."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_calls: bool = True
    """One line per call; warnings and errors are logged in any case."""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that a process is told."""

    server: ServerConfig = field(default_factory=ServerConfig)
    tls: TlsConfig = field(default_factory=TlsConfig)
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    journal: JournalConfig = field(default_factory=JournalConfig)
    telemetry: TelemetryConfig = field(default_factory=TelemetryConfig)
    policies: Mapping[str, Policy] = field(default_factory=built_in_policies)

    @property
    def digest(self) -> str:
        """Hex digest of all values; equal for equal configurations."""
        text = json.dumps(asdict(replace(self, policies=dict(self.policies))), sort_keys=True, default=str)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


_SECTIONS = ("server", "tls", "limits", "journal", "telemetry")


def load_config(path: Path | None) -> Config:
    """The configuration in a TOML file; the defaults without one. Raises ConfigError, also when it cannot be read."""
    if path is None:
        return Config()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), [f"cannot be read: {error}"]) from None
    return parse_config(text, str(path))


def parse_config(text: str, source: str = "configuration") -> Config:
    """The configuration in a TOML text. Raises ConfigError with all problems."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(source, [str(error)]) from None
    problems: list[str] = []
    defaults = Config()
    sections: dict[str, Any] = {}
    for key, table in tree.items():
        if key == "policies":
            sections[key] = _policies(table, problems)
        elif key in _SECTIONS:
            sections[key] = bind(getattr(defaults, key), table, key, problems)
        else:
            problems.append(f"{key}: unknown section{nearest(key, [*_SECTIONS, 'policies'])}")
    if problems:
        raise ConfigError(source, problems)
    return replace(defaults, **sections)


def _policies(tables: object, problems: list[str]) -> dict[str, Policy]:
    """The built-in policies with the file's on top. `extends` names the policy that a new one starts from."""
    policies = built_in_policies()
    if not isinstance(tables, Mapping):
        problems.append("policies: a table of policies is expected")
        return policies
    for name, table in tables.items():
        path = f"policies.{name}"
        if not isinstance(table, Mapping):
            problems.append(f"{path}: a table is expected")
            continue
        base = table.get("extends", name if name in policies else "default")
        if base not in policies:
            known = nearest(str(base), sorted(policies))
            problems.append(f"{path}.extends: no policy {base!r} before this one{known}")
            continue
        values = {key: value for key, value in table.items() if key != "extends"}
        if "name" in values:
            problems.append(f"{path}.name: the table's own name is the policy's")
            continue
        before = len(problems)
        policy = replace(bind(policies[base], values, path, problems), name=name)
        if len(problems) == before:
            problems += policy_problems(policy, path)
        policies[name] = policy
    return policies
