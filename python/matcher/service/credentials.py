"""The server's certificate, read again when its files change: a certificate is renewed without a restart.

gRPC asks at every handshake; connections that are open keep what they were opened with until they age out.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import structlog

from matcher.app import TlsConfig

_Signature = tuple[tuple[int, int, int], ...]


class CertificateError(ValueError):
    """The files are no certificate to serve with. Says which file and why, never what it holds."""


@dataclass(frozen=True, slots=True)
class _Material:
    """What the files held at one moment."""

    signature: _Signature
    key: bytes = field(repr=False)
    chain: bytes = field(repr=False)
    authorities: bytes | None = field(repr=False)

    def configuration(self) -> Any:
        return grpc.ssl_server_certificate_configuration([(self.key, self.chain)], root_certificates=self.authorities)


class ServerCertificate:
    """Certificate, key and the callers' authorities, as their files are now."""

    def __init__(self, tls: TlsConfig, on_change: Callable[[bool], None]) -> None:
        """Raises CertificateError. `on_change` is told of every later change of the files: True when it was taken
        over, False when what came cannot be served and the former stays in force; from any thread."""
        self._chain, self._key = Path(tls.certificate), Path(tls.key)
        self._authorities = Path(tls.client_ca) if tls.client_ca else None
        self._on_change = on_change
        self._log = structlog.get_logger("matcher.service")
        self._lock = threading.Lock()
        self._signature = self._signed()
        self._material = self._read()

    def credentials(self) -> grpc.ServerCredentials:
        """For grpc's add_secure_port; callers must show a certificate when there are authorities for theirs."""
        return grpc.dynamic_ssl_server_credentials(
            self._material.configuration(), self._changed, require_client_authentication=self._authorities is not None
        )

    def _changed(self) -> Any:
        """The new configuration, or None: it is as it was. Called by gRPC, in a thread of its own."""
        with self._lock:
            try:
                signature = self._signed()
                if signature == self._signature:
                    return None
                # Also when it is refused: what cannot be served is told of once, not at every handshake.
                self._signature = signature
                self._material = self._read()
            except CertificateError as error:
                self._log.error("certificate refused, the former stays in force", problem=str(error))
                self._on_change(False)
                return None
        self._log.info("certificate renewed", file=str(self._chain))
        self._on_change(True)
        return self._material.configuration()

    def _signed(self) -> _Signature:
        """What changes when a file is replaced, also through a symbolic link above it as Kubernetes does."""
        try:
            stats = [path.stat() for path in (self._chain, self._key, self._authorities) if path is not None]
        except OSError as error:
            raise CertificateError(f"{error.filename}: {error.strerror}") from None
        return tuple((stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in stats)

    def _read(self) -> _Material:
        """The files, once they fit together: they are replaced one by one, and what is read must be of one time."""
        signature = self._signed()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        path = self._chain
        try:
            context.load_cert_chain(self._chain, self._key, password=_no_password)
            key, chain, authorities = self._key.read_bytes(), self._chain.read_bytes(), None
            if self._authorities is not None:
                path = self._authorities
                context.load_verify_locations(self._authorities)
                authorities = self._authorities.read_bytes()
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
            raise CertificateError(f"{path}: {reason}") from None
        if self._signed() != signature:
            self._signature = ()  # look again at the next handshake
            raise CertificateError(f"{self._chain}: changes while it is read")
        return _Material(signature, key, chain, authorities)


def _no_password() -> str:
    """Without this OpenSSL would ask on the terminal."""
    raise ValueError("the key is encrypted; a server has nobody to ask for the password")
