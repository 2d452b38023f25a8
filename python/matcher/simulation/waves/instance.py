"""Instances of dispatch waves: customers with windows, whose attributes the requests of a run are drawn from."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import numpy as np

from matcher.domain.snapshot import F64, I64
from matcher.routing.formats import read_problem
from matcher.routing.waves import Depot

WAVE_S = 3600
"""Seconds between two waves, and from a wave's decision to its departure."""
DRAWN = 100
"""Requests drawn for each wave, before those are dropped that cannot be served."""


@dataclass(frozen=True, slots=True)
class WaveInstance:
    """Customer k is row k; row 0 is the depot. Seconds."""

    name: str
    duration: F64
    """(customers + 1, customers + 1)"""
    opens: F64
    closes: F64
    service: F64
    demand: I64
    capacity: int

    @property
    def depot(self) -> Depot:
        """Its depot, for `matcher.routing.waves`."""
        return Depot(self.duration, self.capacity, float(self.closes[0]), float(WAVE_S))

    @property
    def epochs(self) -> range:
        """Hours at which a wave is decided on."""
        first, last = self.opens[1:].min(), self.opens[1:].max()
        return range(_hour(float(first)), _hour(float(last)) + 1)


def _hour(opens: float) -> int:
    return max(0, int((opens - WAVE_S) // WAVE_S))


def read_wave_instance(path: Path) -> WaveInstance:
    """An instance in VRPLIB's format (VRPTW). Raises OSError, and ValueError naming file, line and column."""
    problem = read_problem(path).problem
    n = len(problem.pickup) + 1
    if n < 2 or not np.array_equal(problem.delivery, np.arange(1, n)):
        raise ValueError(f"{path}: is no problem of customers who are served from a depot")
    return WaveInstance(
        name=path.name.split(".")[0],
        duration=problem.distance[:n, :n].copy(),
        opens=problem.ready[:n],
        closes=problem.due[:n],
        service=problem.service[:n],
        demand=-problem.demand[:n].astype(np.int64),
        capacity=problem.capacity,
    )


def read_wave_instances(path: Path) -> Iterator[WaveInstance]:
    """Those in a file, a folder or a tar archive, by name. Raises as `read_wave_instance`, and tarfile.TarError."""
    if path.is_dir():
        for file in sorted(path.glob("*.txt")):
            yield read_wave_instance(file)
    elif tarfile.is_tarfile(path):
        with tarfile.open(path) as archive, TemporaryDirectory() as folder:
            for name in sorted(name for name in archive.getnames() if name.endswith(".txt")):
                stream = archive.extractfile(name)
                file = Path(folder) / PurePosixPath(name).name
                file.write_bytes(stream.read() if stream else b"")
                yield read_wave_instance(file)
    else:
        yield read_wave_instance(path)
