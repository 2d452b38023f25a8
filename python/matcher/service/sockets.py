"""Addresses: where the server binds, and how a Unix socket is published.

A server that stops unlinks the path that it bound. So each process binds a path of its own and publishes it under the
configured one by renaming a symbolic link over it: a successor takes the name over in one step, and the predecessor
unlinks only its own path.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_SOCKET_PATH_BYTES = 107
"""Longest path of a Unix socket (sun_path)."""


class AddressError(ValueError):
    """An address cannot be used."""


@dataclass(frozen=True, slots=True)
class UnixSocket:
    """A published path and the path that this process binds."""

    published: Path
    bound: Path

    @classmethod
    def of(cls, address: str, process: int) -> UnixSocket:
        """The socket of an address "unix:/path" for the process with this id. Raises AddressError."""
        published = Path(address.removeprefix("unix://").removeprefix("unix:"))
        bound = published.with_name(f"{published.name}.{process}")
        if len(os.fsencode(bound)) > _SOCKET_PATH_BYTES:
            raise AddressError(f"{address}: the path is longer than {_SOCKET_PATH_BYTES - 9} bytes")
        return cls(published, bound)

    def prepare(self) -> None:
        """Make way for binding: a directory, and nothing left of an earlier process with our id."""
        self.published.parent.mkdir(parents=True, exist_ok=True)
        if self.published.exists() and not self.published.is_symlink() and not _is_socket(self.published):
            raise AddressError(f"unix:{self.published}: there is a file that is no socket")
        with suppress(FileNotFoundError):
            self.bound.unlink()

    def publish(self) -> None:
        """Take the published name over; what our predecessors left behind is removed when they are gone."""
        link = self.bound.with_name(self.bound.name + ".link")
        with suppress(FileNotFoundError):
            link.unlink()
        link.symlink_to(self.bound.name)
        link.replace(self.published)
        for other in self.published.parent.glob(f"{self.published.name}.*"):
            process = other.name.removeprefix(f"{self.published.name}.")
            if other != self.bound and process.isdigit() and _is_socket(other) and not _alive(int(process)):
                with suppress(FileNotFoundError):
                    other.unlink()

    def withdraw(self) -> None:
        """Remove the published name, if it is still ours: connections to come go to a successor, or wait for one."""
        with suppress(OSError):
            if os.readlink(self.published) == self.bound.name:
                self.published.unlink()

    def remove(self) -> None:
        """Remove the bound path too."""
        self.withdraw()
        with suppress(FileNotFoundError):
            self.bound.unlink()


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except OSError:
        return False


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
